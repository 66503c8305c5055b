using System.Security.Cryptography;

namespace Vtpm.Wire;

/// <summary>Whole structures to and from bytes.</summary>
public static class WireFormat
{
    /// <summary>Fills <paramref name="value"/> from exactly <paramref name="bytes"/>; bytes missing or left over are TPM_BAD_PARAM_SIZE.</summary>
    public static TpmResult Read<T>(ReadOnlySpan<byte> bytes, out T value, IByteAllocator? allocator = null)
        where T : struct, IWireStructure<T>
    {
        var reader = new WireReader(bytes, allocator);
        value = default;
        T.Describe(ref reader, ref value);
        return reader.Finish();
    }

    /// <summary>Bytes that <paramref name="value"/> takes on the wire.</summary>
    public static int Measure<T>(T value)
        where T : struct, IWireStructure<T>
    {
        var measurer = default(WireMeasurer);
        T.Describe(ref measurer, ref value);
        return measurer.Length;
    }

    /// <summary>The wire form of <paramref name="value"/> in an array of its own (from <paramref name="allocator"/> when it holds secrets).</summary>
    /// <exception cref="ArgumentException">The value has no wire form: a field contradicts another. A defect of the caller.</exception>
    public static byte[] ToBytes<T>(T value, IByteAllocator? allocator = null)
        where T : struct, IWireStructure<T>
    {
        int length = Measure(value);
        byte[] bytes = allocator?.Allocate(length) ?? new byte[length];
        var writer = new WireWriter(bytes);
        T.Describe(ref writer, ref value);
        if (writer.Result != TpmResult.Success || writer.Length != bytes.Length)
            throw new ArgumentException($"{typeof(T).Name} has no wire form: {writer.Result}", nameof(value));
        return bytes;
    }

    /// <summary>SHA-1 of the wire form.</summary>
    public static TpmDigest Digest<T>(T value)
        where T : struct, IWireStructure<T>
    {
        int length = Measure(value);
        Span<byte> bytes = length <= 512 ? stackalloc byte[512] : new byte[length];
        var writer = new WireWriter(bytes);
        T.Describe(ref writer, ref value);
        TpmDigest digest = default;
        SHA1.HashData(writer.Written, digest.Span);
        return digest;
    }
}
