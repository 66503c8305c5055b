using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The hardware TPM in the manager's hands: set up at the start, sealing what opens the image, quoting for the vTPMs. A link that failed is opened
/// again by the next use.
/// </summary>
internal sealed partial class Tpm12Hardware : IHardwareTpm
{
    private readonly Func<ITpmConnection> _connect;
    private readonly TpmLocalitySelection _locality;
    private readonly TimeSpan _retryPause;
    private readonly TpmSecret _owner;
    private readonly TpmSecret _srk;
    private readonly ManagerLog _log;
    private TpmClient? _client;
    private bool _ownerIsUnknown;

    private Tpm12Hardware(ManagerOptions options, TpmSecret owner, TpmSecret srk, ManagerLog log)
    {
        _connect = () => options.Connect(options.Hardware);
        _locality = (TpmLocalitySelection)(1 << options.Locality);
        _retryPause = options.RetryPause;
        _owner = owner;
        _srk = srk;
        _log = log;
    }

    public HardwareSummary Summary { get; private set; } = null!;

    /// <summary>Connects and sets the TPM up: started, emptied of what others have left, owned.</summary>
    /// <exception cref="ManagerException">It cannot be used as it is; the message says what to do.</exception>
    /// <exception cref="TpmTransportException">It cannot be reached.</exception>
    internal static Tpm12Hardware Start(ManagerOptions options, ManagerLog log)
    {
        Tpm12Hardware tpm = Attach(options, log);
        try
        {
            tpm.SetUp();
            return tpm;
        }
        catch
        {
            tpm.Dispose();
            throw;
        }
    }

    /// <summary>For whoever unseals alone: nothing is sent before it has to be.</summary>
    /// <exception cref="ManagerException">An argument is not what it should be.</exception>
    internal static Tpm12Hardware Attach(ManagerOptions options, ManagerLog log)
    {
        if (options.Locality is < 0 or > 4) throw new ManagerException($"tpmlocality={options.Locality}: localities are 0 to 4");
        return new Tpm12Hardware(options, ParseAuth("owner_auth", options.OwnerAuth), ParseAuth("srk_auth", options.SrkAuth), log);
    }

    public void Dispose()
    {
        _client?.Dispose();
        _client = null;
        _owner.Dispose();
        _srk.Dispose();
    }

    public TpmDigest ReadComposite(uint mask) => Use(tpm => PcrList.Composite(mask, pcr => tpm.PcrRead((uint)pcr)));

    public int PassThrough(ReadOnlySpan<byte> request, Span<byte> response)
    {
        TpmClient client = Client();
        try
        {
            return client.Transmit(request, response, out _);
        }
        catch (TpmTransportException)
        {
            Disconnect();
            throw;
        }
    }

    private static TpmSecret ParseAuth(string name, string form)
    {
        try
        {
            return TpmSecret.Parse(form);
        }
        catch (FormatException e)
        {
            throw new ManagerException($"{name}=: {e.Message}", e);
        }
    }

    private TpmClient Client()
    {
        if (_client is not null) return _client;
        _client = new TpmClient(_connect());
        try
        {
            Start(_client);
        }
        catch (TpmCommandException e) when (IsOfTpm2(e.Result))
        {
            Disconnect();
            throw new ManagerException("the hardware is a TPM 2.0, which does not know the commands of TPM 1.2: add tpm2=1 (vtpm up: --tpm2)", e);
        }
        catch
        {
            Disconnect();
            throw;
        }

        return _client;
    }

    private void Start(TpmClient client)
    {
        try
        {
            // The one command that tells whether TPM_Startup was given, and that nothing else forbids.
            Patiently(client, tpm => tpm.PcrRead(0));
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.InvalidPostInit)
        {
            _log.TpmInfo("TPM_Startup(ST_CLEAR): the firmware has not started the TPM");
            Patiently(client, tpm =>
            {
                tpm.Startup(TpmStartupType.Clear);
                return true;
            });
        }
    }

    /// <summary>
    /// Whether a TPM 2.0 refuses a command of TPM 1.2: by TPM_RC_BAD_TAG, which is TPM_BADTAG, or by one of its own codes (TPM 2.0 Part 2 §6.6: bit 7
    /// or 8). Linux's resource manager (/dev/tpmrm0) answers one of the latter too, and so does swtpm.
    /// </summary>
    private static bool IsOfTpm2(TpmResult result) => result == TpmResult.BadTag || ((uint)result & 0xD80) is 0x080 or 0x100 or 0x180;

    private void Disconnect()
    {
        _client?.Dispose();
        _client = null;
    }
}
