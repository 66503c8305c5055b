using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Sides;

/// <summary>One of the two TPMs, and what its driver knows of it: the same symbolic things have other handles, nonces and keys on each side.</summary>
public abstract class TpmSide(string name) : IDisposable
{
    /// <summary>"ours" or "swtpm".</summary>
    public string Name { get; } = name;

    public SideMemory Memory { get; set; } = new();

    /// <summary>Sends one command and returns its answer.</summary>
    public abstract byte[] Execute(byte[] command);

    /// <summary>The locality of the commands to come.</summary>
    public abstract void SetLocality(int locality);

    /// <summary>TPM_Init: the power goes and comes; TPM_Startup is a command of its own.</summary>
    public abstract void PowerCycle();

    /// <summary>All that survives the power, to begin others with.</summary>
    public abstract object SavePermanent();

    /// <summary>Becomes a TPM with such a state, powered on at locality 0 and not yet started, whose driver knows what is in <paramref name="memory"/>.</summary>
    public void Restore(object permanent, SideMemory memory)
    {
        RestorePermanent(permanent);
        SetLocality(0);
        Memory = memory.Clone();
    }

    protected abstract void RestorePermanent(object permanent);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        // The engine has nothing to give back.
    }
}

/// <summary>A session as its owner on one side sees it.</summary>
public sealed class SideSession
{
    public required uint Handle { get; init; }

    public TpmNonce NonceEven { get; set; }

    /// <summary>The caller's nonce of the next command: any, as long as it changes.</summary>
    public byte[] NonceOdd => SHA1.HashData(NonceEven.ReadOnlySpan);

    /// <summary>The shared secret of an OSAP or DSAP session; null for OIAP, which uses the secret of the entity.</summary>
    public byte[]? SharedSecret { get; init; }

    public SideSession WithHandle(uint handle) => new() { Handle = handle, NonceEven = NonceEven, SharedSecret = SharedSecret };

    public SideSession Clone() => (SideSession)MemberwiseClone();
}

/// <summary>What the names of symbolic things stand for on one side.</summary>
public sealed class SideMemory
{
    /// <summary>Numbers of keys that every TPM has: they are names too, and no handles.</summary>
    public const int Srk = -1, Ek = -2;

    public Dictionary<int, SideSession> Sessions { get; private init; } = [];

    public Dictionary<int, uint> Keys { get; private init; } = [];

    /// <summary>Keys that were made outside: they are the same pair on both sides.</summary>
    public HashSet<int> OutsideKeys { get; private init; } = [];

    /// <summary>The public half of each key: what blobs for it are encrypted with.</summary>
    public Dictionary<int, byte[]> Moduli { get; private init; } = [];

    /// <summary>Wrapped keys, sealed data, contexts: whatever the TPM gave out to be brought back.</summary>
    public Dictionary<int, byte[]> Blobs { get; private init; } = [];

    public Dictionary<int, uint> Counters { get; private init; } = [];

    public Dictionary<int, TestTransport> Transports { get; } = [];

    /// <summary>Random values of answers, numbered in the order in which they were first seen: equal numbers on both sides mean equal histories.</summary>
    public Dictionary<string, int> Seen { get; private init; } = [];

    public uint KeyHandle(int key) => key switch
    {
        Srk => TpmKeyHandle.Srk,
        Ek => TpmKeyHandle.EK,
        _ => Keys.GetValueOrDefault(key, 0x00BAD000 + (uint)key),
    };

    /// <summary>The modulus of a key; that of the SRK, or one that nobody has the key of, stands for what is not there.</summary>
    public byte[] Modulus(int key) => Moduli.GetValueOrDefault(key) ?? Moduli.GetValueOrDefault(Srk) ?? [.. Enumerable.Repeat((byte)0xFF, 256)];

    public byte[] Blob(int blob) => Blobs.GetValueOrDefault(blob, []);

    public uint CounterHandle(int counter) => Counters.GetValueOrDefault(counter, 0x00BAD000 + (uint)counter);

    public SideMemory Clone() => new()
    {
        Sessions = Sessions.ToDictionary(pair => pair.Key, pair => pair.Value.Clone()),
        Keys = new(Keys),
        OutsideKeys = new(OutsideKeys),
        Moduli = new(Moduli),
        Blobs = new(Blobs),
        Counters = new(Counters),
        Seen = new(Seen),
    };
}
