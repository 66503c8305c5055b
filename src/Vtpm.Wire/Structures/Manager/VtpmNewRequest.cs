namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_VTPM_NEW</c>, request.</summary>
public struct VtpmNewRequest : IWireStructure<VtpmNewRequest>
{
    private const int UuidSize = 16;

    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>None lets the manager choose.</summary>
    public Guid? Uuid;

    /// <summary>The original's script sends a zero byte after the uuid.</summary>
    private bool _endsWithZero;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmNewRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        ReadOnlyMemory<byte> rest = value.Rest;
        wire.Rest(ref rest);
        bool isUuid = rest.Length == UuidSize;
        bool isScripts = rest.Length == UuidSize + 1 && rest.Span[UuidSize] == 0;
        if (!rest.IsEmpty && !isUuid && !isScripts) wire.Fault(TpmResult.BadParamSize);
        value.Uuid = isUuid || isScripts ? new Guid(rest.Span[..UuidSize], bigEndian: true) : null;
        value._endsWithZero = isScripts;
    }

    private readonly ReadOnlyMemory<byte> Rest
    {
        get
        {
            if (Uuid is not { } uuid) return default;
            byte[] bytes = new byte[_endsWithZero ? UuidSize + 1 : UuidSize];
            uuid.TryWriteBytes(bytes, bigEndian: true, out _);
            return bytes;
        }
    }
}
