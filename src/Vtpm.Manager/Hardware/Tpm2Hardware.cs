using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// A TPM 2.0 as the manager's hardware: it seals what opens the image to PCRs by a policy. It makes no identity keys and quotes of TPM 1.2, so that
/// deep quotes are not to be had. A link that failed is opened again by the next use.
/// </summary>
internal sealed partial class Tpm2Hardware : IHardwareTpm
{
    /// <summary>So often a use is begun again that was spoilt by others, or by the loss of what it stood on; then it is reported.</summary>
    private const int Attempts = 5;

    private readonly Func<ITpmConnection> _connect;
    private readonly byte _localities;
    private readonly Tpm2AuthValue _owner;
    private readonly Tpm2AuthValue _srk;
    private readonly Tpm2StorageKeys _keys;
    private readonly ManagerLog _log;
    private readonly TimeSpan _retryPause;
    private Tpm2Client? _client;

    private Tpm2Hardware(ManagerOptions options, ManagerLog log)
    {
        _connect = () => options.Connect(options.Hardware);
        _localities = (byte)(1 << options.Locality);
        _log = log;
        _retryPause = options.RetryPause;
        _owner = ParseAuth("owner_auth", options.OwnerAuth);
        _srk = ParseAuth("srk_auth", options.SrkAuth);
        _keys = new Tpm2StorageKeys(options.SrkHandle, _owner, _srk, log);
    }

    public HardwareSummary Summary { get; private set; } = null!;

    /// <summary>Connects and sets the TPM up: started, emptied of what others have left, with a storage key.</summary>
    /// <exception cref="ManagerException">It cannot be used as it is; the message says what to do.</exception>
    /// <exception cref="TpmTransportException">It cannot be reached.</exception>
    internal static Tpm2Hardware Start(ManagerOptions options, ManagerLog log)
    {
        if (options.Locality is < 0 or > 4) throw new ManagerException($"tpmlocality={options.Locality}: localities are 0 to 4");
        if (options.SrkHandle is { } handle and (< TpmRh.PersistentFirst or > TpmRh.PersistentLast))
            throw new ManagerException(
                $"srk_handle=0x{handle:x8}: the owner's persistent keys are 0x{TpmRh.PersistentFirst:x8} to 0x{TpmRh.PersistentLast:x8}");
        var tpm = new Tpm2Hardware(options, log);
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

    public void Dispose()
    {
        // The key of this start; the next one begins with an empty TPM either way.
        if (_client is not null && _keys.Loaded is not 0 and var loaded) _client.FlushQuietly(loaded);
        Disconnect();
        _owner.Dispose();
        _srk.Dispose();
    }

    private static Tpm2AuthValue ParseAuth(string name, string form)
    {
        try
        {
            return Tpm2AuthValue.Parse(form);
        }
        catch (FormatException e)
        {
            throw new ManagerException($"{name}=: {e.Message}", e);
        }
    }

    /// <summary>Runs commands; once more when what they stand on was lost or has no room.</summary>
    private T Use<T>(Func<Tpm2Client, T> commands)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                Tpm2Client client = Client();
                try
                {
                    return commands(client);
                }
                catch (Tpm2CommandException e) when (attempt < Attempts && (e.IsLost || e.IsFull || e.Result == TpmRc.Initialize))
                {
                    Recover(client, e);
                }
            }
            catch (TpmTransportException e)
            {
                Disconnect();
                // Another locality took the TPM in the middle: what was under way is done anew, on a new link.
                if (e.Fault != TpmTransportFault.Interrupted || attempt == Attempts) throw;
                _log.TpmInfo($"{e.Message}: trying again");
                Thread.Sleep(_retryPause * attempt);
            }
        }
    }

    private void Recover(Tpm2Client client, Tpm2CommandException e)
    {
        _log.TpmWarn($"{e.Message}: trying again");
        try
        {
            if (e.Result == TpmRc.Initialize) Startup(client);
            if (!e.IsFull) _keys.Forget();
            Flush(client);
        }
        catch (TpmTransportException)
        {
            Disconnect();
            throw;
        }
    }

    private Tpm2Client Client()
    {
        if (_client is not null) return _client;
        _keys.Forget();
        _client = new Tpm2Client(_connect());
        try
        {
            Identify(_client, wasStarted: false);
            Flush(_client);
        }
        catch
        {
            Disconnect();
            throw;
        }

        return _client;
    }

    /// <summary>Whether it is a TPM 2.0 that was started.</summary>
    private void Identify(Tpm2Client client, bool wasStarted)
    {
        try
        {
            // The first command of all; one that a TPM 1.2 cannot take for one of its own.
            if (client.GetProperty(TpmPt.FamilyIndicator) is var family and not Family20)
                throw new ManagerException($"the hardware TPM is of family 0x{family:x8}, and this manager knows TPM 1.2 and 2.0");
        }
        catch (Tpm2CommandException e) when (e.Result == TpmRc.Initialize && !wasStarted)
        {
            Startup(client);
            Identify(client, wasStarted: true);
        }
        catch (Tpm2CommandException e) when (e.Code is TpmRc.BadTag || (uint)e.Code == (uint)TpmResult.BadOrdinal)
        {
            throw new ManagerException(
                "the hardware is a TPM 1.2, which does not know the commands of TPM 2.0: leave tpm2=1 out (vtpm up: --tpm2)", e);
        }
    }

    private void Startup(Tpm2Client client)
    {
        _log.TpmInfo("TPM2_Startup(TPM_SU_CLEAR): the firmware has not started the TPM");
        client.Startup();
    }

    /// <summary>Ends what others, and we before, have left loaded: a manager has the hardware TPM for itself, and its few slots.</summary>
    private void Flush(Tpm2Client client)
    {
        int count = 0;
        foreach (uint range in (uint[])[TpmRh.TransientFirst, TpmRh.LoadedSessionFirst, TpmRh.SavedSessionFirst])
        {
            foreach (uint handle in client.GetHandles(range))
            {
                if (handle == _keys.Loaded) continue;
                try
                {
                    client.FlushContext(handle);
                    count++;
                }
                catch (Tpm2CommandException e)
                {
                    _log.TpmInfo($"0x{handle:x8} stays: {e.Message}");
                }
            }
        }

        if (count > 0) _log.TpmInfo($"flushed {count} handles that others had left");
    }

    private void Disconnect()
    {
        _client?.Dispose();
        _client = null;
    }
}
