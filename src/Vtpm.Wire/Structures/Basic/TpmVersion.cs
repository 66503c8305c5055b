namespace Vtpm.Wire;

/// <summary><c>TPM_VERSION</c>, Part 2 §5.3: the version of a TPM, its digits in TPM_VERSION_BYTE order (§5.2): 1.2 is 01 02.</summary>
public struct TpmVersion : IWireStructure<TpmVersion>
{
    public byte Major;
    public byte Minor;
    public byte RevMajor;
    public byte RevMinor;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmVersion value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt8(ref value.Major);
        wire.UInt8(ref value.Minor);
        wire.UInt8(ref value.RevMajor);
        wire.UInt8(ref value.RevMinor);
    }
}
