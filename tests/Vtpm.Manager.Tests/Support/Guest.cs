using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Instance;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A guest of a vTPM of a manager: everything between it and the hardware TPM is real but the sockets.</summary>
internal sealed class Guest : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-guest-");
    private readonly ManagerRig? _rig;
    private readonly Guid _uuid;
    private readonly Func<ITpmConnection>? _open;
    private readonly string[] _arguments;
    private VirtualTpm _vtpm;
    private int _restarts;

    /// <param name="rig">The manager; none where there is another way to it.</param>
    /// <param name="uuid">The vTPM.</param>
    /// <param name="open">The other way.</param>
    /// <param name="arguments">Xen's.</param>
    public Guest(ManagerRig? rig, Guid uuid, Func<ITpmConnection>? open = null, params string[] arguments)
    {
        (_rig, _uuid, _open, _arguments) = (rig, uuid, open, arguments);
        _vtpm = Start();
        Tpm = new TpmClient(Open());
    }

    public TpmClient Tpm { get; }

    public int Locality { get; set; }

    /// <summary>Whether nobody listens where the manager was.</summary>
    public bool IsManagerGone { get; set; }

    /// <summary>The manager ends and comes back: the vTPM's link is dead, and another manager is where it led to.</summary>
    public void RestartManager()
    {
        _restarts++;
        _rig!.Restart();
    }

    /// <summary>The vTPM ends and comes back: a power cycle.</summary>
    public void RestartVtpm()
    {
        _vtpm.Dispose();
        _vtpm = Start();
    }

    public TpmPubKey TakeOwnership()
    {
        using TpmSecret secret = TpmSecret.WellKnown();
        TpmPubKey ek = Tpm.ReadPubek();
        Tpm.TakeOwnership(ek, secret, secret, TpmKeys.StorageRootKey);
        return ek;
    }

    /// <summary>A session of the owner.</summary>
    public TpmSession Owner()
    {
        using TpmSecret secret = TpmSecret.WellKnown();
        return Tpm.Oiap(secret);
    }

    /// <summary>Another link to the vTPM.</summary>
    public ITpmConnection Open() => new InMemoryTpm((_, request, response) => Execute(request, Locality, response)).Connect();

    /// <summary>What its backend does with a request of the guest's.</summary>
    public int Execute(ReadOnlySpan<byte> request, int locality, Span<byte> response) => _vtpm.Execute(request, locality, response);

    /// <summary>Sends any request; returns the response.</summary>
    public byte[] Send(TpmTag tag, uint ordinal, params byte[] parameters)
    {
        byte[] request = [.. WireFormat.ToBytes(new TpmHeader { Tag = tag, ParamSize = (uint)(TpmHeader.Size + parameters.Length), Code = ordinal }), .. parameters];
        byte[] response = new byte[TpmMessage.MaxLength];
        return response[..Tpm.Transmit(request, response, out _)];
    }

    public void Dispose()
    {
        Tpm.Dispose();
        _vtpm.Dispose();
        _directory.Delete(recursive: true);
    }

    private VirtualTpm Start() => VirtualTpm.Start(
        new VtpmOptions(Path.Combine(_directory.FullName, "image"), ManufacturePolicy.WhenBlank, WithEndorsementKey: true),
        VtpmArguments.Parse(_arguments),
        new Instance.ManagerLink(Connect),
        new SeededRandom(),
        new FixedRsa(),
        _ => { });

    private ITpmConnection Connect()
    {
        if (IsManagerGone) throw new TpmTransportException(TpmTransportFault.Unavailable, "nobody is there");
        if (_open is not null) return _open();
        int restarts = _restarts;
        ITpmConnection manager = _rig!.Connect(ManagerLink.ToVtpm(_uuid, VtpmLabel.OnSocket(_uuid)));
        return new Link(manager, () => IsManagerGone || restarts != _restarts);
    }

    /// <summary>A link that dies with its manager.</summary>
    private sealed class Link(ITpmConnection manager, Func<bool> isDead) : ITpmConnection
    {
        public int Transmit(ReadOnlySpan<byte> request, Span<byte> response) => isDead()
            ? throw new TpmTransportException(TpmTransportFault.Closed, "the manager has ended")
            : manager.Transmit(request, response);

        public void Dispose() => manager.Dispose();
    }
}
