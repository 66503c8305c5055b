using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The file that a group's authority makes and GROUP_UPDATE takes, as the original's <c>calc.pl</c> writes it: signature (256 bytes), the configuration
/// list that it signs, and a PCR selection of three bytes for each platform.
/// </summary>
public static class SignedConfiguration
{
    /// <summary>A file's bytes.</summary>
    /// <exception cref="ArgumentException">The key is not RSA-2048 with exponent 65537, or there is not one mask for each platform.</exception>
    public static byte[] Create(RSA key, VtpmConfigList config, IReadOnlyList<uint> pcrMasks)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(pcrMasks);
        if (key.KeySize != ApprovalKey.KeyBits) throw new ArgumentException($"an approval key has {ApprovalKey.KeyBits} bits", nameof(key));
        if (pcrMasks.Count != config.Platforms.Length) throw new ArgumentException("one mask for each platform is needed", nameof(pcrMasks));
        byte[] signed = WireFormat.ToBytes(config);
        byte[] signature = key.SignData(signed, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        return [.. signature, .. signed, .. pcrMasks.SelectMany(mask => WireFormat.ToBytes(PcrMask.ToSelection(mask)))];
    }
}
