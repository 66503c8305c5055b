using System.Security.Cryptography;
using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>The stand-in for a hardware TPM: the same engine with its state in a file. What it keeps is as safe as that file, and no safer.</summary>
public sealed class HardwareStandIn : IDisposable
{
    private readonly StateFile _file;
    private readonly TpmHost _host;

    private HardwareStandIn(StateFile file, TpmHost host)
    {
        _file = file;
        _host = host;
    }

    /// <summary>Powers it on (TPM_Init): a restart of the process is a power cycle. A new file is a new TPM.</summary>
    /// <exception cref="StorageException">The file cannot be used.</exception>
    /// <exception cref="StateFormatException">What it holds is not a state that this build can use.</exception>
    /// <exception cref="StateNotSavedException">A new TPM's first state cannot be saved.</exception>
    public static HardwareStandIn PowerOn(string statePath, ITpmRandom random, ITpmRsa rsa, Action<string> log)
    {
        StateFile file = StateFile.Open(statePath);
        try
        {
            var platform = new TpmPlatform(random, TimeProvider.System, rsa, new OpenSslArithmetic(), TpmProfile.Xen);
            var store = new FileStateStore(file);
            return new HardwareStandIn(file, new TpmHost(Load(file, store, platform, log), store, log));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public int Execute(ReadOnlySpan<byte> request, Span<byte> response) => _host.Execute(request, locality: 0, response);

    /// <summary>TPM_Startup, as firmware would send it.</summary>
    public TpmResult StartUp(TpmStartupType type) => _host.StartUp(type);

    public void Dispose() => _file.Dispose();

    private static Tpm12Engine Load(StateFile file, FileStateStore store, TpmPlatform platform, Action<string> log)
    {
        if (file.Load() is { } state)
        {
            try
            {
                return Tpm12Engine.PowerOn(platform, state, log);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(state);
            }
        }

        // A chip may be sold without an endorsement key: whoever takes it into use makes one.
        Tpm12Engine engine = Tpm12Engine.Manufacture(platform, withEndorsementKey: false, log);
        store.Save(engine.Snapshot().Span);
        return engine;
    }
}
