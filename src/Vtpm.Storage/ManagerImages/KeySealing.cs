using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Has the hardware TPM seal the keys of an image, once for each platform. Null whenever it refuses.</summary>
internal sealed class KeySealing(ManagerImage image, IManagerSealer sealer)
{
    /// <summary>A group's keys to its platforms, in as many entries as its sector has.</summary>
    public SealEntry[]? SealGroup(ManagerGroup group)
    {
        GroupKeys keys = group.Keys!;
        var content = new SealedGroup
        {
            Magic = SealedGroup.ExpectedMagic.ToArray(),
            ManagerUuid = image.Uuid,
            AikAuth = keys.AikAuth.Span.ToArray(),
            GroupKey = keys.GroupKey.Span.ToArray(),
            RollbackMacKey = keys.RollbackMacKey.Span.ToArray(),
        };
        SealEntry[]? seals = SealAll(group.Platforms, WireFormat.ToBytes(content), GroupSector.SealCount);
        CryptographicOperations.ZeroMemory(content.AikAuth);
        CryptographicOperations.ZeroMemory(content.GroupKey);
        CryptographicOperations.ZeroMemory(content.RollbackMacKey);
        return seals;
    }

    /// <summary>The image's keys to the platforms of group 0.</summary>
    public SealEntry[]? SealRoot()
    {
        ImageKeys keys = image.Keys;
        var content = new SealedRoot
        {
            Magic = SealedRoot.ExpectedMagic.ToArray(),
            ManagerUuid = image.Uuid,
            NvramSlot = keys.NvramSlot,
            NvramAuth = keys.NvramAuth,
            CounterIndex = keys.CounterIndex,
            CounterAuth = keys.CounterAuth,
            Key = keys.MaskedKey(),
        };
        IReadOnlyList<SealEntry> platforms = image.Groups[0].Platforms;
        SealEntry[]? seals = SealAll(platforms, WireFormat.ToBytes(content), platforms.Count);
        CryptographicOperations.ZeroMemory(content.Key);
        return seals;
    }

    private SealEntry[]? SealAll(IReadOnlyList<SealEntry> platforms, byte[] secret, int length)
    {
        var seals = new SealEntry[length];
        try
        {
            for (int i = 0; i < platforms.Count; i++)
            {
                var platform = new PlatformConfiguration(platforms[i].PcrMask, platforms[i].DigestRelease);
                if (sealer.Seal(platform, secret) is not { SealedData.Length: SealEntry.SealedDataSize } entry) return null;
                seals[i] = entry with { PcrMask = platform.PcrMask, DigestRelease = platform.DigestRelease };
            }

            return seals;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
