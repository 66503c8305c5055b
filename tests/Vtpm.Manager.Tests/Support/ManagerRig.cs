using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A manager between a TPM as hardware and links in memory: everything but the sockets.</summary>
internal sealed class ManagerRig : IDisposable
{
    /// <summary>A state of swtpm that has an owner with well-known secrets: making its keys takes seconds.</summary>
    private static readonly Lazy<byte[]> Owned = new(PrepareOwned);
    private static readonly Lazy<string> ApprovalPem = new(() =>
    {
        using RSA key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    });

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-manager-");
    private readonly List<string> _log = [];
    private readonly Func<ManagerOptions, ManagerOptions> _with;
    private readonly bool _ownsHardware;
    private InMemoryTpm? _server;
    private ManagerLink? _next;

    public ManagerRig(HardwareKind kind, bool provision = true, Func<ManagerOptions, ManagerOptions>? with = null)
        : this(CreateOwned(kind), new byte[ManagerImage.DefaultLength], provision, with) => _ownsHardware = true;

    public ManagerRig(TestHardware hardware, byte[] image, bool provision = true, Func<ManagerOptions, ManagerOptions>? with = null)
    {
        Hardware = hardware;
        Image = image;
        _with = with ?? (options => options);
        try
        {
            Manager = Start(_with);
            if (provision) Provision();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public TestHardware Hardware { get; }

    public byte[] Image { get; }

    public VtpmManager Manager { get; private set; } = null!;

    public string KeyPath => Path.Combine(_directory.FullName, "approval.pem");

    public IReadOnlyList<string> Log => _log;

    /// <summary>A TPM whose owner and storage root key have the well-known secret.</summary>
    public static TestHardware CreateOwned(HardwareKind kind)
    {
        if (kind == HardwareKind.Swtpm) return new SwtpmHardware(new Swtpm(Owned.Value));
        var hardware = new EngineHardware();
        TakeOwnership(hardware);
        return hardware;
    }

    public ProvisioningResult Provision(uint mask = ProvisioningOptions.DefaultPcrMask)
    {
        WriteKey();
        return Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath, PcrMask = mask });
    }

    /// <summary>Gives group 0 of a manager that is not provisioned its authority: what is left is a first configuration.</summary>
    public void GiveAuthority()
    {
        WriteKey();
        using RSA key = RSA.Create();
        key.ImportFromPem(ApprovalPem.Value);
        byte[] request = WireFormat.ToBytes(new VtpmGroupNewRequest { SaaModulus = AuthorityModulus.Of(key) });
        Assert.Equal(TpmResult.Success, Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupNew, request));
    }

    /// <summary>Ends the manager without a word, and starts it again over the same image.</summary>
    public void Restart(Func<ManagerOptions, ManagerOptions>? with = null)
    {
        Manager.Dispose();
        Manager = Start(with ?? _with);
    }

    /// <summary>A link by which that vTPM comes.</summary>
    public VtpmManagerClient Vtpm(Guid uuid, string? label = null) =>
        new(Connect(ManagerLink.ToVtpm(uuid, label ?? VtpmLabel.OnSocket(uuid))));

    public VtpmManagerClient Administrator() => new(Connect(ManagerLink.ToAdministrator()));

    public ITpmConnection Connect(ManagerLink link)
    {
        _next = link;
        return _server!.Connect();
    }

    public TpmResult Send(ManagerLink link, TpmTag tag, uint ordinal, params byte[] parameters) => Send(link, tag, ordinal, parameters, out _);

    public TpmResult Send(ManagerLink link, TpmTag tag, uint ordinal, byte[] parameters, out byte[] response)
    {
        byte[] request = [.. WireFormat.ToBytes(new TpmHeader { Tag = tag, ParamSize = (uint)(TpmHeader.Size + parameters.Length), Code = ordinal }), .. parameters];
        byte[] buffer = new byte[TpmMessage.MaxLength];
        response = buffer[..Manager.Service.Handle(link, request, buffer)];
        Assert.True(TpmMessage.IsWhole(response));
        Assert.Equal(TpmResult.Success, WireFormat.Read(response.AsSpan(0, TpmHeader.Size), out TpmHeader header));
        Assert.Equal(tag is TpmTag.VtpmReq or TpmTag.VtpmReq2 ? TpmTag.VtpmRsp : TpmTag.RspCommand, header.Tag);
        return header.ReturnCode;
    }

    public void Dispose()
    {
        Manager?.Dispose();
        if (_ownsHardware) Hardware.Dispose();
        _directory.Delete(recursive: true);
    }

    private void WriteKey()
    {
        if (!File.Exists(KeyPath)) File.WriteAllText(KeyPath, ApprovalPem.Value);
    }

    private VtpmManager Start(Func<ManagerOptions, ManagerOptions> with)
    {
        VtpmManager manager = VtpmManager.Start(with(new ManagerOptions
        {
            Hardware = TpmAddress.Named("test", "hardware"),
            Connect = _ => Hardware.Connect(),
            Image = new MemoryBlockStore(Image),
            FirstIsAdmin = true,
            Log = _log.Add,
        }));
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
        using var hardware = new SwtpmHardware(new Swtpm());
        TakeOwnership(hardware);
        return hardware.Swtpm.ReadState();
    }

    private static void TakeOwnership(TestHardware hardware)
    {
        using var tpm = new TpmClient(hardware.Connect());
        using TpmSecret secret = TpmSecret.WellKnown();
        tpm.TakeOwnership(tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey), secret, secret, TpmKeys.StorageRootKey);
    }
}
