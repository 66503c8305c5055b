namespace Vtpm.Wire;

/// <summary><c>TPM_SIGN_INFO</c>, Part 2 §5.14: what is signed by commands that have no signed structure of their own.</summary>
public struct TpmSignInfo : IWireStructure<TpmSignInfo>
{
    public TpmSignInfoFixed Fixed;
    public TpmNonce Replay;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmSignInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.SignInfo);
        wire.Enum(ref value.Fixed);
        wire.Structure(ref value.Replay);
        wire.Sized32(ref value.Data);
    }
}
