using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Takes the mask off the sealed key of a root. Which mask is the right one, the root itself tells.</summary>
internal sealed class RootMasks(IKeyMasks? source) : IDisposable
{
    private readonly Dictionary<uint, IReadOnlyList<byte[]>> _read = [];
    private readonly Dictionary<uint, string> _faults = [];

    /// <summary>Why the masks of an image that needs them are not to be had.</summary>
    public string? Fault => _faults.Values.FirstOrDefault();

    /// <summary>The keys of a root, by the mask under which it verifies; those as they are sealed when there is none.</summary>
    public ImageKeys Unmask(in SealedRoot sealedRoot, Func<Aes, bool> verifies, out bool verified)
    {
        var plain = new ImageKeys(
            sealedRoot.ManagerUuid, sealedRoot.NvramSlot, sealedRoot.NvramAuth, sealedRoot.CounterIndex, sealedRoot.CounterAuth, new KeyBytes(sealedRoot.Key));
        CryptographicOperations.ZeroMemory(sealedRoot.Key);

        // A slot may be named before there is a mask in it.
        verified = verifies(plain.Key.Cipher);
        if (plain.NvramSlot == 0) return plain;
        if (verified)
        {
            // Then the other root, should it not verify, is no riddle of masks but damaged.
            _read[plain.NvramSlot] = [];
            _faults.Remove(plain.NvramSlot);
            return plain;
        }

        foreach (byte[] mask in Read(plain.NvramSlot, plain.NvramAuth))
        {
            ImageKeys masked = Under(plain, mask);
            verified = verifies(masked.Key.Cipher);
            if (verified)
            {
                plain.Dispose();
                return masked;
            }

            masked.Dispose();
        }

        return plain;
    }

    public void Dispose()
    {
        foreach (byte[] mask in _read.Values.SelectMany(masks => masks)) CryptographicOperations.ZeroMemory(mask);
    }

    /// <summary>What is sealed under a mask; the same operation that lays it over the key.</summary>
    private static ImageKeys Under(ImageKeys sealedKeys, byte[] mask)
    {
        ImageKeys masked = sealedKeys with { Key = new KeyBytes(sealedKeys.Key.Span), Mask = new KeyBytes(mask) };
        for (int i = 0; i < mask.Length; i++) masked.Key.Span[i] ^= mask[i];
        return masked;
    }

    // The hardware TPM, which is slow, is asked once for both roots.
    private IReadOnlyList<byte[]> Read(uint slot, in TpmAuthData auth)
    {
        if (_read.TryGetValue(slot, out IReadOnlyList<byte[]>? known)) return known;
        string reason = "its key is under a mask that is kept in a hardware TPM";
        IReadOnlyList<byte[]>? found = source?.Read(slot, auth, out reason);
        if (found is null) _faults[slot] = $"the mask of the image's key cannot be had: {reason}";
        return _read[slot] = [.. (found ?? []).Where(mask => mask.Length == ManagerImage.MaskSize)];
    }
}
