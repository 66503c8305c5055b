using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>One vTPM, ready for guests: its engine, its encrypted image, its link to the manager.</summary>
public sealed class VirtualTpm : IDisposable
{
    private readonly IBlockStore _store;
    private readonly ManagerLink _manager;
    private readonly HardwareEntropy _entropy;
    private readonly TpmHost _host;

    private VirtualTpm(IBlockStore store, ManagerLink manager, HardwareEntropy entropy, Tpm12Engine engine, TpmHost host)
    {
        _store = store;
        _manager = manager;
        _entropy = entropy;
        _host = host;
        Engine = engine;
    }

    public Tpm12Engine Engine { get; }

    /// <summary>Opens the image with the manager's key, powers on, starts as the arguments say.</summary>
    /// <exception cref="VtpmStartException">It does not open, or does not start; nothing was changed.</exception>
    public static VirtualTpm Start(VtpmOptions options, VtpmArguments arguments, ManagerLink manager, ITpmRandom random, ITpmRsa rsa, Action<string> log)
    {
        FileBlockStore store = OpenStore(options.ImagePath);
        try
        {
            var entropy = new HardwareEntropy(manager, random, log);
            entropy.Refresh();
            var platform = new TpmPlatform(entropy, TimeProvider.System, rsa, TpmProfile.Xen);
            var image = new VtpmImage(store);
            var states = new ImageStateStore(image, manager, log);
            Tpm12Engine engine = Load(options, image, manager, platform, log) is { } state
                ? PowerOn(platform, state, log)
                : Manufacture(options, image, states, platform, log);
            var vtpm = new VirtualTpm(store, manager, entropy, engine, new TpmHost(engine, states, log));
            vtpm.StartUp(arguments.Startup);
            vtpm.CopyHardwarePcrs(arguments.HardwarePcrs, log);
            return vtpm;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Executes one command of a guest.</summary>
    public int Execute(ReadOnlySpan<byte> request, int locality, Span<byte> response)
    {
        _entropy.Refresh();
        return _host.Execute(request, locality, response);
    }

    public void Dispose()
    {
        _manager.Dispose();
        _store.Dispose();
    }

    private static FileBlockStore OpenStore(string path)
    {
        try
        {
            return FileBlockStore.OpenOrCreate(path, VtpmImage.DefaultLength);
        }
        catch (StorageException exception)
        {
            throw new VtpmStartException(exception.Message, exception);
        }
    }

    /// <summary>The state on the image; null where a new TPM is to be made. Everything in between is refused: no state is ever given up unasked.</summary>
    private static byte[]? Load(VtpmOptions options, VtpmImage image, ManagerLink manager, TpmPlatform platform, Action<string> log)
    {
        if (options.Manufacture == ManufacturePolicy.Always)
        {
            log("MANUFACTURING A NEW TPM, as told: what this vTPM held before is given up");
            return null;
        }

        byte[] hashKey = [];
        try
        {
            hashKey = manager.LoadHashKey();
            if (!hashKey.AsSpan().ContainsAnyExcept((byte)0)) return Nothing(log, "the manager keeps no state of this vTPM yet");
            VtpmImageLoad load = image.Load(hashKey);
            return load.Content switch
            {
                VtpmImageContent.Loaded => load.State,
                VtpmImageContent.Blank => Nothing(log, "its image is blank, which is how a vTPM is cleared"),
                _ => throw Refusal(load.Reason),
            };
        }
        catch (ManagerErrorException exception) when (exception.Result == TpmResult.BadParameter)
        {
            return Nothing(log, "the manager does not know this vTPM's uuid");
        }
        catch (ManagerErrorException exception) when (exception.Result == TpmResult.Disabled)
        {
            throw Refusal("the manager refuses this vTPM: its uuid is in use by another process, or its measurement is not approved", exception);
        }
        catch (ManagerErrorException exception)
        {
            throw Refusal(exception.Message, exception);
        }
        catch (TpmTransportException exception)
        {
            throw Refusal($"the manager is not to be reached: {exception.Message}", exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(hashKey);
        }
    }

    private static byte[]? Nothing(Action<string> log, string why)
    {
        log($"MANUFACTURING A NEW TPM: {why}. If this vTPM had keys before, stop it now and restore its image, the manager's image, or its uuid");
        return null;
    }

    private static VtpmStartException Refusal(string why, Exception? inner = null) => new(
        $"{why}. The vTPM does not start, and nothing was changed. Choices: put right what is named here and start again; restore the image (and the manager's, "
            + "if that was lost) from a backup; or start once with --manufacture, which makes a new TPM and gives up everything the old one held",
        inner);

    private static Tpm12Engine PowerOn(TpmPlatform platform, byte[] state, Action<string> log)
    {
        try
        {
            return Tpm12Engine.PowerOn(platform, state, log);
        }
        catch (StateFormatException exception)
        {
            throw Refusal(exception.Message, exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(state);
        }
    }

    private static Tpm12Engine Manufacture(VtpmOptions options, VtpmImage image, ImageStateStore states, TpmPlatform platform, Action<string> log)
    {
        try
        {
            image.StartFresh();
            Tpm12Engine engine = Tpm12Engine.Manufacture(platform, options.WithEndorsementKey, log);
            states.Save(engine.Snapshot().Span);
            return engine;
        }
        catch (StateNotSavedException exception)
        {
            throw new VtpmStartException(exception.Message, exception);
        }
    }

    /// <summary>TPM_Startup, which on Xen is the vTPM's own business: its guest's firmware sends none.</summary>
    private void StartUp(TpmStartupType type)
    {
        TpmResult result = _host.StartUp(type);
        if (result != TpmResult.Success) throw new VtpmStartException($"TPM_Startup({type}) failed with {result}");
    }

    /// <summary><c>hwinitpcr</c>: the vTPM's PCRs begin with the hardware's values.</summary>
    private void CopyHardwarePcrs(IReadOnlySet<int> pcrs, Action<string> log)
    {
        try
        {
            foreach (int pcr in pcrs)
            {
                TpmDigest value = _manager.PcrRead(pcr);
                Engine.SetPcr(pcr, value);
                log($"PCR {pcr} begins with the hardware's {value}");
            }
        }
        catch (Exception exception) when (exception is TpmTransportException or ManagerErrorException)
        {
            throw new VtpmStartException($"the hardware's PCRs, which hwinitpcr asks for, cannot be read: {exception.Message}", exception);
        }
    }
}
