using System.Security.Cryptography;
using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>One vTPM, ready for guests: its engine, its encrypted image, its link to the manager.</summary>
public sealed class VirtualTpm : IDisposable
{
    private readonly IBlockStore _store;
    private readonly GuestBoot? _boot;
    private readonly ManagerLink _manager;
    private readonly VtpmArguments _arguments;
    private readonly HardwareEntropy _entropy;
    private readonly TpmHost _host;
    private readonly PassThrough _passThrough;
    private readonly Action<string> _log;
    private readonly Action<string> _warn;

    private VirtualTpm(
        IBlockStore store, GuestBoot? boot, ManagerLink manager, VtpmArguments arguments, HardwareEntropy entropy, Tpm12Engine engine, TpmHost host,
        Action<string> log, Action<string> warn)
    {
        _store = store;
        _boot = boot;
        _manager = manager;
        _arguments = arguments;
        _entropy = entropy;
        _host = host;
        _passThrough = new PassThrough(manager, Often(log));
        _log = log;
        _warn = warn;
        Engine = engine;
    }

    public Tpm12Engine Engine { get; }

    /// <summary>Opens the image with the manager's key, powers on, starts as the arguments say.</summary>
    /// <exception cref="VtpmStartException">It does not open, or does not start; nothing was changed.</exception>
    /// <param name="options">What it is started with.</param>
    /// <param name="arguments">Xen's arguments.</param>
    /// <param name="manager">The link to its manager.</param>
    /// <param name="random">The system's random numbers.</param>
    /// <param name="rsa">RSA.</param>
    /// <param name="log">Takes what happens.</param>
    /// <param name="warn">Takes what must be seen at every log level: a new TPM, a state that is not saved, a defect. <paramref name="log"/> by default.</param>
    public static VirtualTpm Start(
        VtpmOptions options, VtpmArguments arguments, ManagerLink manager, ITpmRandom random, ITpmRsa rsa, Action<string> log, Action<string>? warn = null)
    {
        warn ??= log;
        Action<string> often = Often(log), oftenWarned = Often(warn);
        GuestBoot? boot = null;
        // A file that is not there is made only when the manager has been asked whether there was one.
        FileBlockStore? store = IsImageThere(options) ? OpenStore(options) : null;
        try
        {
            boot = GuestBoot.Open(options.BootRecord);
            var entropy = new HardwareEntropy(manager, random, often);
            entropy.Refresh();
            TpmProfile profile = TpmProfile.Xen with { MaintenanceCommands = arguments.MaintenanceCommands };
            var platform = new TpmPlatform(entropy, TimeProvider.System, rsa, new OpenSslArithmetic(), profile) { Parent = new ParentTpm(manager, often) };
            // Before anything is changed: it can fail.
            bool isResumed = boot is { Resumes: true };
            (int Pcr, TpmDigest Value)[] hardwarePcrs = isResumed ? [] : ReadHardwarePcrs(manager, arguments, arguments.Startup, warn);
            bool isImageThere = store is not null && !(options.IsImageNew && new VtpmImage(store).IsBlank());
            byte[]? hashKey = AskManager(options, isImageThere, manager, warn);
            store ??= OpenStore(options);
            var image = new VtpmImage(store);
            var states = new ImageStateStore(image, manager, often);
            Tpm12Engine engine = Load(image, hashKey, warn) is { } state
                ? PowerOn(platform, state, oftenWarned)
                : Manufacture(options, image, states, platform, oftenWarned);
            var host = new TpmHost(engine, states, oftenWarned, boot?.Record);
            var vtpm = new VirtualTpm(store, boot, manager, arguments, entropy, engine, host, log, warn);
            if (isResumed) boot!.Resume(engine, warn);
            else vtpm.StartUp(arguments.Startup, hardwarePcrs);
            boot?.Begin(engine);
            return vtpm;
        }
        catch
        {
            store?.Dispose();
            boot?.Dispose();
            throw;
        }
    }

    /// <summary>Bytes that its image has.</summary>
    public long ImageLength => _store.Length;

    /// <summary>Bytes that the record of the guest's boot has; 0 without one.</summary>
    public long BootRecordLength => _boot?.Length ?? 0;

    /// <summary>What this vTPM can tell of its guest's boot; null where nobody keeps a record of it.</summary>
    public BootOrigin? BootOrigin => _boot?.Record.Origin;

    /// <summary>
    /// The guest's platform has been reset while this process went on: TPM_Init and TPM_Startup, as a process that is started does them. With
    /// <c>save</c>, a guest that has saved no state is one that was not put to sleep.
    /// </summary>
    /// <param name="isLost">Nobody knows what the platform has booted: nothing opens that depends on it.</param>
    /// <exception cref="VtpmStartException">It does not start; nothing but errors is to be had of it then.</exception>
    public void Reset(bool isLost = false)
    {
        Engine.Reset();
        if (isLost)
        {
            Engine.Resume(boot: null);
            return;
        }

        bool hasSaved = Engine.State.Permanent.SavedState is not null;
        TpmStartupType type = _arguments.Startup == TpmStartupType.State && !hasSaved ? TpmStartupType.Clear : _arguments.Startup;
        StartUp(type, ReadHardwarePcrs(_manager, _arguments, type, _warn));
    }

    /// <summary>Executes one request of a guest: a command of this TPM, or what is for the manager.</summary>
    public int Execute(ReadOnlySpan<byte> request, int locality, Span<byte> response)
    {
        if (_passThrough.TryExecute(request, response, out int length)) return length;
        _entropy.Refresh();
        return _host.Execute(request, locality, response);
    }

    public void Dispose()
    {
        _manager.Dispose();
        _store.Dispose();
        _boot?.Dispose();
    }

    /// <summary>For what a guest brings about by its commands, as often as it likes.</summary>
    private static Action<string> Often(Action<string> log) =>
        new BoundedLog("the guest's commands", log, TimeProvider.System).Write;

    /// <summary>One that was handed over new and empty is not: it is filled when it is known that it may be.</summary>
    private static bool IsImageThere(VtpmOptions options) => options.Image is { } handle
        ? !options.IsImageNew || RandomAccess.GetLength(handle) > 0
        : File.Exists(options.ImagePath);

    private static FileBlockStore OpenStore(VtpmOptions options)
    {
        try
        {
            return options.Image is { } handle
                ? FileBlockStore.Take(handle, options.ImagePath, options.IsImageNew ? VtpmImage.DefaultLength : 0)
                : FileBlockStore.OpenOrCreate(options.ImagePath, VtpmImage.DefaultLength);
        }
        catch (StorageException exception)
        {
            throw new VtpmStartException(exception.Message, exception);
        }
    }

    /// <summary>
    /// What the manager keeps for this vTPM; null where a new TPM is to be made: as told, or because the manager keeps nothing. Everything in between
    /// is refused: no state is ever given up unasked.
    /// </summary>
    private static byte[]? AskManager(VtpmOptions options, bool isImageThere, ManagerLink manager, Action<string> warn)
    {
        if (options.Manufacture == ManufacturePolicy.Always)
        {
            warn("MANUFACTURING A NEW TPM, as told: what this vTPM held before is given up");
            return null;
        }

        try
        {
            byte[] hashKey = manager.LoadHashKey();
            if (!hashKey.AsSpan().ContainsAnyExcept((byte)0)) return Nothing(warn, "the manager keeps no state of this vTPM yet");
            if (isImageThere) return hashKey;
            CryptographicOperations.ZeroMemory(hashKey);
            // A wiped image is how a vTPM is cleared; a missing one is a mistyped name, or a disk that is not mounted.
            throw Refusal($"the image {options.ImagePath} does not exist, and the manager keeps the key of one");
        }
        catch (ManagerErrorException exception) when (exception.Result == TpmResult.BadParameter)
        {
            return Nothing(warn, "the manager does not know this vTPM's uuid");
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
    }

    /// <summary>The state on the image that belongs to what the manager keeps; null where a new TPM is to be made.</summary>
    private static byte[]? Load(VtpmImage image, byte[]? hashKey, Action<string> warn)
    {
        if (hashKey is null) return null;
        VtpmImageLoad load = image.Load(hashKey);
        CryptographicOperations.ZeroMemory(hashKey);
        return load.Content switch
        {
            VtpmImageContent.Loaded => load.State,
            VtpmImageContent.Blank => Nothing(warn, "its image is blank, which is how a vTPM is cleared"),
            _ => throw Refusal(load.Reason),
        };
    }

    private static byte[]? Nothing(Action<string> warn, string why)
    {
        warn($"MANUFACTURING A NEW TPM: {why}. If this vTPM had keys before, stop it now and restore its image, the manager's image, or its uuid");
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

    /// <summary>TPM_Startup, which on Xen is the vTPM's own business: its guest's firmware sends none; then <c>hwinitpcr</c>.</summary>
    private void StartUp(TpmStartupType type, (int Pcr, TpmDigest Value)[] hardwarePcrs)
    {
        TpmResult result = _host.StartUp(type);
        if (result != TpmResult.Success) throw new VtpmStartException($"TPM_Startup({type}) failed with {result}");
        foreach ((int pcr, TpmDigest value) in hardwarePcrs)
        {
            Engine.SetPcr(pcr, value);
            _log($"PCR {pcr} begins with the hardware's {value}");
        }
    }

    /// <summary><c>hwinitpcr</c>: the hardware's values, which the vTPM's PCRs are to begin with.</summary>
    private static (int Pcr, TpmDigest Value)[] ReadHardwarePcrs(ManagerLink manager, VtpmArguments arguments, TpmStartupType type, Action<string> warn)
    {
        if (arguments.HardwarePcrs.Count > 0 && type == TpmStartupType.State)
        {
            // They would undo what the guest measured before it slept.
            warn("hwinitpcr is for a vTPM that starts clear; with save, the PCRs are those that were saved");
            return [];
        }

        try
        {
            return [.. arguments.HardwarePcrs.Select(pcr => (pcr, manager.PcrRead(pcr)))];
        }
        catch (Exception exception) when (exception is TpmTransportException or ManagerErrorException)
        {
            throw new VtpmStartException($"the hardware's PCRs, which hwinitpcr asks for, cannot be read: {exception.Message}", exception);
        }
    }
}
