using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// What the manager needs of the machine's TPM, whatever its version: it seals what opens the image, tells an older image
/// from the newest, makes identities for groups and quotes for vTPMs.
/// </summary>
/// <remarks>
/// Members throw <see cref="TpmException"/> where the TPM refuses, and Vtpm.Transports.TpmTransportException where it is not to be reached.
/// </remarks>
internal interface IHardwareTpm : IManagerSealer, IRollbackHardware, IDisposable
{
    /// <summary>Connects and sets the TPM up: started, emptied of what others have left, owned.</summary>
    /// <exception cref="ManagerException">It cannot be used as it is; the message says what to do.</exception>
    /// <exception cref="Transports.TpmTransportException">It cannot be reached.</exception>
    static IHardwareTpm Start(ManagerOptions options, ManagerLog log) => options.IsTpm2 ? Tpm2Hardware.Start(options, log) : Tpm12Hardware.Start(options, log);

    /// <summary>
    /// Connects to unseal alone. A TPM 1.2, which a manager may be using, is not set up, emptied or owned, and has no <see cref="Summary"/>; a TPM
    /// 2.0 gets at most a key that goes with the connection.
    /// </summary>
    /// <exception cref="ManagerException">As at <see cref="Start"/>.</exception>
    static IHardwareTpm Attach(ManagerOptions options, ManagerLog log) => options.IsTpm2 ? Tpm2Hardware.Start(options, log) : Tpm12Hardware.Attach(options, log);

    /// <summary>What was found at the start.</summary>
    HardwareSummary Summary { get; }

    /// <summary>Why entries did not open since the last call, for people.</summary>
    string[] TakeUnsealFaults();

    /// <summary>The composite hash that the selected PCRs have now.</summary>
    TpmDigest ReadComposite(uint mask);

    /// <summary>Whether it makes identity keys and quotes with them. A TPM 2.0 does not: theirs are not what a deep quote is made of.</summary>
    bool MakesIdentities { get; }

    /// <summary>Makes an identity key whose secret is the group's; only where <see cref="MakesIdentities"/> says so, as the next two.</summary>
    (TpmKey Key, byte[] Binding) MakeIdentity(ManagerGroup group, TpmDigest labelDigest);

    /// <summary>A quote by the group's identity key.</summary>
    (TpmPcrComposite Pcrs, byte[] Signature) Quote(ManagerGroup group, TpmDigest externalData, TpmPcrSelection selection);

    /// <summary>Releases a credential's key, with the resettable PCRs telling what the group is (as far as the hardware's locality allows).</summary>
    TpmSymmetricKey ActivateIdentity(ManagerGroup group, ReadOnlyMemory<byte> blob);

    /// <summary>Sends a vTPM's own command on.</summary>
    /// <returns>The length of the response.</returns>
    int PassThrough(ReadOnlySpan<byte> request, Span<byte> response);
}
