namespace Vtpm.Wire;

/// <summary><c>TPM_BOUND_DATA</c>, Part 2 §9.5: what a bound blob holds once it is decrypted.</summary>
public struct TpmBoundData : IWireStructure<TpmBoundData>
{
    public byte Major;
    public byte Minor;
    public byte RevMajor;
    public byte RevMinor;
    public TpmPayloadType Payload;
    public ReadOnlyMemory<byte> PayloadData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmBoundData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt8(ref value.Major);
        wire.UInt8(ref value.Minor);
        wire.UInt8(ref value.RevMajor);
        wire.UInt8(ref value.RevMinor);
        wire.Enum(ref value.Payload);
        wire.Rest(ref value.PayloadData);
    }
}
