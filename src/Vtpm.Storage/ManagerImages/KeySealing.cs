using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Has the hardware TPM seal the keys of an image, once for each platform. Null whenever it refuses.</summary>
internal sealed class KeySealing(ManagerImage image, IManagerSealer sealer)
{
    /// <summary>A group's keys to its platforms, those that are sealed already left as they are; in as many entries as its content has.</summary>
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
        byte[] secret = WireFormat.ToBytes(content);
        CryptographicOperations.ZeroMemory(content.AikAuth);
        CryptographicOperations.ZeroMemory(content.GroupKey);
        CryptographicOperations.ZeroMemory(content.RollbackMacKey);
        return SealAll(group.Platforms, secret, group.Content.Seals.Length, entry => entry);
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
        var known = new Dictionary<PlatformConfiguration, SealEntry>();
        foreach (SealEntry entry in image.KnownRootSeals) known.TryAdd(new(entry.PcrMask, entry.DigestRelease), entry);
        byte[] secret = WireFormat.ToBytes(content);
        CryptographicOperations.ZeroMemory(content.Key);
        return SealAll(platforms, secret, platforms.Count, entry => known.GetValueOrDefault(new(entry.PcrMask, entry.DigestRelease)));
    }

    private SealEntry[]? SealAll(IReadOnlyList<SealEntry> platforms, byte[] secret, int length, Func<SealEntry, SealEntry> known)
    {
        var seals = new SealEntry[length];
        try
        {
            for (int i = 0; i < platforms.Count; i++)
            {
                if (known(platforms[i]) is { SealedData: { } data } present && data.AsSpan().ContainsAnyExcept((byte)0))
                {
                    seals[i] = present;
                    continue;
                }

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
