namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_STRUCT_VER</c>, Part 2 §5.1: the version 1.1.0.0 that untagged structures begin with, and the answer to TPM_CAP_VERSION. Inside other
/// structures it is a constant (<c>wire.Version11()</c>) and no field.
/// </summary>
public struct TpmStructVer : IWireStructure<TpmStructVer>
{
    public byte Major;
    public byte Minor;
    public byte RevMajor;
    public byte RevMinor;

    /// <summary>1.1.0.0.</summary>
    public static TpmStructVer Version11 => new() { Major = 1, Minor = 1 };

    public static void Describe<TCodec>(ref TCodec wire, ref TpmStructVer value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt8(ref value.Major);
        wire.UInt8(ref value.Minor);
        wire.UInt8(ref value.RevMajor);
        wire.UInt8(ref value.RevMinor);
    }
}
