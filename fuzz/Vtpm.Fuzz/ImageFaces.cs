using System.Security.Cryptography;
using System.Text;
using Vtpm.TestKit;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>A hardware TPM whose sealed data are in clear, and which opens whatever it is given.</summary>
internal sealed class OpenSealer : IManagerSealer
{
    public byte[]? Unseal(SealEntry entry) => entry.SealedData[0] < 200 ? entry.SealedData[1..(1 + entry.SealedData[0])] : null;

    public SealEntry? Seal(PlatformConfiguration platform, ReadOnlySpan<byte> secret)
    {
        byte[] data = new byte[SealEntry.SealedDataSize];
        data[0] = (byte)secret.Length;
        secret.CopyTo(data.AsSpan(1));
        return new SealEntry { PcrMask = platform.PcrMask, DigestRelease = platform.DigestRelease, SealedData = data };
    }
}

/// <summary>What a manager's image says, to be held against what it says when it is read again.</summary>
internal static class ImageFaces
{
    /// <param name="image">The image.</param>
    /// <param name="withKeys">Of which groups the key data are to be in it.</param>
    public static string Of(ManagerImage image, Func<ManagerGroup, bool> withKeys)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ManagerGroup group in image.Groups)
        {
            string lists = $"{string.Join(',', group.Platforms.Select(platform => $"{platform.PcrMask} {platform.DigestRelease}"))};{string.Join(',', group.Kernels)}";
            hash.AppendData(Encoding.UTF8.GetBytes($"{group.Uuid} {group.ConfigurationSequence} {group.VtpmCount} {lists}"));
            hash.AppendData(group.SaaModulus.Span);
            foreach (ManagerVtpm vtpm in group.Vtpms)
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{vtpm.Uuid} {vtpm.Flags}"));
                if (withKeys(group)) hash.AppendData(vtpm.KeyData);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static string Of(ManagerImage image) => Of(image, group => group.IsOpen);

    public static void Check(bool holds, string what)
    {
        if (!holds) throw new TheoryException(what);
    }
}
