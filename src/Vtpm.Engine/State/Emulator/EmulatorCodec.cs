using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Field shapes of the emulator's state. It is only ever read.</summary>
internal static class EmulatorCodec
{
    /// <summary>Secret bytes of a length that is known, into memory of their own.</summary>
    public static void FixedSecret<TCodec>(this ref TCodec wire, ref Secret? value, int length = TpmAuthData.Size)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        Span<byte> bytes = stackalloc byte[length];
        wire.Fixed(bytes);
        value = new Secret(bytes);
        CryptographicOperations.ZeroMemory(bytes);
    }

    /// <summary>What has no counterpart here.</summary>
    public static void Skip<TCodec>(this ref TCodec wire, int length)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        Span<byte> bytes = stackalloc byte[Math.Min(length, 64)];
        for (; length > 0; length -= bytes.Length) wire.Fixed(bytes[..Math.Min(length, bytes.Length)]);
        CryptographicOperations.ZeroMemory(bytes);
    }

    /// <summary>A row of a table: a BOOL, and where it is set, what is in the row.</summary>
    public static void Rows<TCodec, T>(this ref TCodec wire, ref T?[] rows, int count)
        where TCodec : struct, IWireCodec, allows ref struct
        where T : struct, IWireStructure<T>
    {
        rows = new T?[count];
        for (int i = 0; i < count; i++) wire.Optional(ref rows[i]);
    }
}
