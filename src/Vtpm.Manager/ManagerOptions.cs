using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Manager;

/// <summary>A vTPM's own way to the manager: whoever connects there is that vTPM.</summary>
/// <param name="Uuid">The vTPM.</param>
/// <param name="Address">A Unix socket. TCP says nothing about who is at the other end, and is refused.</param>
public sealed record VtpmListener(Guid Uuid, TpmAddress Address)
{
    /// <summary>
    /// What stands for the XSM label that Xen gives a domain; its SHA-1 is the vTPM's kernel hash. The manager has measured nothing: the label says
    /// which door the vTPM came in by, not which program it is.
    /// </summary>
    public string Label { get; init; } = VtpmLabel.OnSocket(Uuid);

    /// <summary>
    /// The user that the vTPM runs as, when it is not the manager's: everybody may then connect, and the kernel's word on who did decides (that user
    /// and root). Null leaves it to the socket's file, which only the manager's own user and root can open.
    /// </summary>
    public uint? User { get; init; }
}

/// <summary>How a manager is to be started.</summary>
public sealed record ManagerOptions
{
    /// <summary>The hardware TPM.</summary>
    public required TpmAddress Hardware { get; init; }

    /// <summary>Opens the hardware TPM where its address alone does not do.</summary>
    public Func<TpmAddress, ITpmConnection> Connect { get; init; } = static address => TpmConnection.Open(address);

    /// <summary>The locality that the hardware TPM sees the manager at (tpmlocality=); the image is sealed to it.</summary>
    public int Locality { get; init; }

    /// <summary>tpm2=1: the hardware is a TPM 2.0.</summary>
    public bool IsTpm2 { get; init; }

    /// <summary>
    /// srk_handle=, of a TPM 2.0: the storage key to seal under, which has to be there. Null takes the one where a storage root key usually is
    /// (0x81000001), or makes one.
    /// </summary>
    public uint? SrkHandle { get; init; }

    /// <summary>
    /// owner_auth=: <c>well-known</c>, <c>hash:HEX</c> or <c>text:…</c>. Of a TPM 2.0 it is the storage hierarchy's; a text is then the value itself,
    /// and well-known the empty value.
    /// </summary>
    public string OwnerAuth { get; init; } = "well-known";

    /// <summary>srk_auth=, in the same forms.</summary>
    public string SrkAuth { get; init; } = "well-known";

    /// <summary>The manager's image: a file (made when it is not there) or a block device.</summary>
    public string? ImagePath { get; init; }

    /// <summary>The manager's image, opened by the caller and staying theirs; instead of a path.</summary>
    public IBlockStore? Image { get; init; }

    public IReadOnlyList<VtpmListener> Vtpms { get; init; } = [];

    /// <summary>
    /// A Unix socket for the service of a backend domain (<c>vtpm tpmback</c>): it says for each of its connections which vTPM it is for. Whoever can
    /// open its file can be every vTPM.
    /// </summary>
    public TpmAddress? Host { get; init; }

    /// <summary>
    /// On Xen: the vTPMs are the domains that have a vTPM device of this one, and the toolstack says which. Stays the caller's, for nothing else to use.
    /// </summary>
    public IXenHost? Xen { get; init; }

    /// <summary>A socket for management commands; whoever can open its file administers the manager.</summary>
    public TpmAddress? Admin { get; init; }

    /// <summary>An image that does not open is replaced by an empty one: every key in it is lost. One that opens stays.</summary>
    public bool CreateFresh { get; init; }

    /// <summary>How much is insisted on noticing that an older image was put back.</summary>
    public RollbackProtection RollbackProtection { get; init; }

    /// <summary>
    /// At most so often the hardware counter is counted for vTPMs' saves. Ten minutes: a chip whose counter wears out after a million has twenty
    /// years.
    /// </summary>
    public TimeSpan CounterInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// An image that is not the newest, to be taken as if it were: its save and the counter's value, as the refusal names them (<c>57@1034</c>).
    /// </summary>
    public string? AcceptRestored { get; init; }

    /// <summary>
    /// Opens the image where no seal does: on another hardware TPM, or where group 0's approved configuration is lost. It stays the caller's.
    /// </summary>
    public ManagerRecoveryKey? RecoveryKey { get; init; }

    /// <summary>The clock of <see cref="CounterInterval"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Acknowledge what an unprovisioned manager can keep in memory only, as the original does.</summary>
    public bool AllowUnprovisioned { get; init; }

    /// <summary>
    /// The very first vTPM of group 0 becomes an administrator for good, as with the original. Else nobody becomes one by coming first.
    /// </summary>
    public bool FirstIsAdmin { get; init; }

    /// <summary>vTPMs that may give management commands while this manager runs.</summary>
    public IReadOnlyCollection<Guid> AdminVtpms { get; init; } = [];

    /// <summary>
    /// Measure the executable of whoever connects to a vTPM's socket: a group may then admit it by that hash, instead of by its label.
    /// </summary>
    public bool MeasurePeers { get; init; }

    /// <summary>Between two attempts at what a hardware TPM was too busy for, or others have spoilt.</summary>
    internal TimeSpan RetryPause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Takes the log, a line at a time.</summary>
    public Action<string>? Log { get; init; }
}
