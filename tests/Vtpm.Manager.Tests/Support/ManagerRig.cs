using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A manager between an swtpm as hardware and links in memory: everything but the sockets.</summary>
internal sealed class ManagerRig : IDisposable
{
    private static readonly Lazy<byte[]> Owned = new(PrepareOwned);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-manager-");
    private readonly List<string> _log = [];
    private readonly bool _ownsTpm;
    private InMemoryTpm? _server;

    /// <summary>Starts on a TPM that has an owner, with an image that is blank unless given.</summary>
    public ManagerRig(byte[]? image = null, Swtpm? tpm = null, bool provision = true, Func<ManagerOptions, ManagerOptions>? with = null)
    {
        _ownsTpm = tpm is null;
        Tpm = tpm ?? new Swtpm(Owned.Value);
        Image = image ?? new byte[ManagerImage.DefaultLength];
        try
        {
            Manager = Start(with ?? (options => options));
            if (provision) Provision();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Swtpm Tpm { get; }

    public byte[] Image { get; }

    public VtpmManager Manager { get; private set; } = null!;

    public string KeyPath => Path.Combine(_directory.FullName, "approval.pem");

    public IReadOnlyList<string> Log => _log;

    public ManagerOptions Options => new()
    {
        Hardware = TpmAddress.Unix(Tpm.SocketPath),
        Image = new MemoryBlockStore(Image),
        Log = _log.Add,
    };

    public ProvisioningResult Provision(uint mask = ProvisioningOptions.DefaultPcrMask) =>
        Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath, PcrMask = mask });

    /// <summary>Ends the manager without a word, and starts it again over the same image.</summary>
    public void Restart(Func<ManagerOptions, ManagerOptions>? with = null)
    {
        Manager.Dispose();
        Manager = Start(with ?? (options => options));
    }

    /// <summary>A link by which that vTPM comes.</summary>
    public VtpmManagerClient Vtpm(Guid uuid, string? label = null) => Link(ManagerLink.ToVtpm(uuid, label ?? VtpmListener.DefaultLabel(uuid)));

    public VtpmManagerClient Administrator() => Link(ManagerLink.ToAdministrator());

    public ITpmConnection Connect(ManagerLink link)
    {
        _next = link;
        return _server!.Connect();
    }

    public void Dispose()
    {
        Manager?.Dispose();
        if (_ownsTpm) Tpm.Dispose();
        _directory.Delete(recursive: true);
    }

    private ManagerLink? _next;

    private VtpmManagerClient Link(ManagerLink link) => new(Connect(link));

    private VtpmManager Start(Func<ManagerOptions, ManagerOptions> with)
    {
        VtpmManager manager = VtpmManager.Start(with(Options));
        _server = new InMemoryTpm(
            (client, request, response) => manager.Service.Handle((ManagerLink)client.State!, request, response),
            new TpmServerOptions
            {
                ClientOpened = client => (client.State = _next) is not null,
                ClientClosed = client => manager.Service.Close((ManagerLink)client.State!),
            });
        return manager;
    }

    private static byte[] PrepareOwned()
    {
        using var tpm = new Swtpm();
        using var rig = new ManagerRig(tpm: tpm, provision: false);
        return tpm.ReadState();
    }
}
