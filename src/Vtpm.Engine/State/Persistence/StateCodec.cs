using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Field shapes of the state file that the wire of the TPM does not have.</summary>
internal static class StateCodec
{
    /// <summary>A secret: UINT16 length and bytes; no bytes for none. Read into memory of its own.</summary>
    public static void Secret<TCodec>(this ref TCodec wire, ref Secret? value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        ushort length = (ushort)(value?.Length ?? 0);
        wire.UInt16(ref length);
        Span<byte> bytes = length <= 1024 ? stackalloc byte[length] : [];
        if (length > bytes.Length) wire.Fault(TpmResult.BadParamSize);
        value?.Span.CopyTo(bytes);
        wire.Fixed(bytes);
        if (wire.IsReading) value = length == 0 ? null : new Secret(bytes);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
    }

    /// <summary>A structure that may be absent: a BOOL, then it.</summary>
    public static void Optional<TCodec, T>(this ref TCodec wire, ref T? value)
        where TCodec : struct, IWireCodec, allows ref struct
        where T : struct, IWireStructure<T>
    {
        bool present = value.HasValue;
        wire.Bool(ref present);
        T structure = value ?? default;
        if (present) T.Describe(ref wire, ref structure);
        if (wire.IsReading) value = present ? structure : null;
    }
}
