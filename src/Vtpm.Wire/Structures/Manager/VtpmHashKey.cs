namespace Vtpm.Wire;

/// <summary>
/// <c>VTPM_ORD_SAVEHASHKEY</c>, request, and <c>VTPM_ORD_LOADHASHKEY</c>, response: the SHA-1 of a vTPM's state and the key it is encrypted with.
/// Opaque to the manager, which takes 52 to 64 bytes.
/// </summary>
public struct VtpmHashKey : IWireStructure<VtpmHashKey>
{
    public const int MinSize = 52;

    public const int MaxSize = 64;

    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmHashKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Rest(ref value.Data);
        if (value.Data.Length is < MinSize or > MaxSize) wire.Fault(TpmResult.BadParamSize);
    }
}
