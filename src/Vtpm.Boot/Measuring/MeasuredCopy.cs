using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Boot;

/// <summary>Reads something once: what has been hashed is what has been written, to the byte.</summary>
public static class MeasuredCopy
{
    /// <summary>A kernel or an initrd of more is none.</summary>
    public const long Longest = 1L << 30;

    private const int Piece = 1 << 16;

    /// <summary>The SHA-1 of <paramref name="sources"/>, one after the other, and their copy.</summary>
    /// <param name="sources">Read to their ends.</param>
    /// <param name="destination">Takes the copy; null where the hash is all that is wanted.</param>
    /// <param name="longest">How many bytes there may be: what a disk names must not fill this domain's memory.</param>
    /// <param name="length">The bytes.</param>
    /// <exception cref="BootException">There are too many.</exception>
    public static TpmDigest Of(IEnumerable<Stream> sources, Stream? destination, long longest, out long length)
    {
        ArgumentNullException.ThrowIfNull(sources);
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        byte[] piece = new byte[Piece];
        length = 0;
        foreach (Stream source in sources)
        {
            for (int read; (read = source.Read(piece)) > 0;)
            {
                length += read;
                if (length > longest) throw new BootException($"a kernel or an initrd of more than {longest >> 20} MiB is not started");
                sha1.AppendData(piece, 0, read);
                destination?.Write(piece, 0, read);
            }
        }

        TpmDigest digest = default;
        sha1.GetHashAndReset(digest.Span);
        return digest;
    }
}
