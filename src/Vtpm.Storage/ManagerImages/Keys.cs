using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>What a root's sealed data hold.</summary>
internal sealed record ImageKeys(Guid ManagerUuid, uint NvramSlot, TpmAuthData NvramAuth, uint CounterIndex, TpmAuthData CounterAuth, KeyBytes Key)
    : IDisposable
{
    /// <summary>What lies over the key where it is sealed; null when nothing does. It is kept by the hardware TPM alone.</summary>
    public KeyBytes? Mask { get; init; }

    public static ImageKeys CreateNew()
    {
        TpmAuthData nvramAuth = default;
        TpmAuthData counterAuth = default;
        RandomNumberGenerator.Fill(nvramAuth.Span);
        RandomNumberGenerator.Fill(counterAuth.Span);
        return new ImageKeys(Guid.NewGuid(), 0, nvramAuth, 0, counterAuth, KeyBytes.Random(AesCmac.Size));
    }

    /// <summary>With keys of its own, since the old ones are zeroed when they are no longer needed.</summary>
    public ImageKeys Copy(KeyBytes? key) => this with { Key = key ?? new KeyBytes(Key.Span), Mask = Mask is null ? null : new KeyBytes(Mask.Span) };

    /// <summary>The key as it is sealed; zero it after use.</summary>
    public byte[] MaskedKey()
    {
        byte[] key = Key.Span.ToArray();
        for (int i = 0; Mask is not null && i < key.Length; i++) key[i] ^= Mask.Span[i];
        return key;
    }

    public void Dispose()
    {
        Key.Dispose();
        Mask?.Dispose();
    }

    public override string ToString() => "(keys)";
}

/// <summary>What a group's sealed data hold.</summary>
internal sealed record GroupKeys(KeyBytes AikAuth, KeyBytes GroupKey, KeyBytes RollbackMacKey) : IDisposable
{
    /// <summary>What was unsealed, if it is a group of that manager; the plaintext stays as it is.</summary>
    public static GroupKeys? From(byte[]? plain, Guid manager)
    {
        if (plain is null || WireFormat.Read(plain, out SealedGroup opened) != TpmResult.Success) return null;
        if (!opened.Magic.AsSpan().SequenceEqual(SealedGroup.ExpectedMagic) || opened.ManagerUuid != manager) return null;
        var keys = new GroupKeys(new KeyBytes(opened.AikAuth), new KeyBytes(opened.GroupKey), new KeyBytes(opened.RollbackMacKey));
        CryptographicOperations.ZeroMemory(opened.AikAuth);
        CryptographicOperations.ZeroMemory(opened.GroupKey);
        CryptographicOperations.ZeroMemory(opened.RollbackMacKey);
        return keys;
    }

    public void Dispose()
    {
        AikAuth.Dispose();
        GroupKey.Dispose();
        RollbackMacKey.Dispose();
    }

    public override string ToString() => "(keys)";
}
