using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>What a root's sealed data hold.</summary>
internal sealed record ImageKeys(Guid ManagerUuid, uint NvramSlot, TpmAuthData NvramAuth, uint CounterIndex, TpmAuthData CounterAuth, KeyBytes Key)
{
    public static ImageKeys CreateNew()
    {
        TpmAuthData nvramAuth = default;
        TpmAuthData counterAuth = default;
        RandomNumberGenerator.Fill(nvramAuth.Span);
        RandomNumberGenerator.Fill(counterAuth.Span);
        return new ImageKeys(Guid.NewGuid(), 0, nvramAuth, 0, counterAuth, KeyBytes.Random(AesCmac.Size));
    }

    /// <summary>With a key of its own, since the old one is zeroed when it is no longer needed.</summary>
    public ImageKeys Copy(KeyBytes? key) => this with { Key = key ?? new KeyBytes(Key.Span) };

    public override string ToString() => "(keys)";
}

/// <summary>What a group's sealed data hold.</summary>
internal sealed record GroupKeys(KeyBytes AikAuth, KeyBytes GroupKey, KeyBytes RollbackMacKey) : IDisposable
{
    public void Dispose()
    {
        AikAuth.Dispose();
        GroupKey.Dispose();
        RollbackMacKey.Dispose();
    }

    public override string ToString() => "(keys)";
}
