namespace Vtpm.Wire;

/// <summary>
/// The ten bytes that every request and response begins with, those of a TPM (the first three rows of each operand table of Part 3) and those of
/// Xen's vTPM manager alike.
/// </summary>
public struct TpmHeader : IWireStructure<TpmHeader>
{
    /// <summary>Its length on the wire.</summary>
    public const int Size = 10;

    public TpmTag Tag;

    /// <summary>The length of the whole message, this header included.</summary>
    public uint ParamSize;

    /// <summary>The ordinal of a request, the return code of a response.</summary>
    public uint Code;

    public readonly TpmOrdinal Ordinal => (TpmOrdinal)Code;

    public readonly VtpmManagerOrdinal ManagerOrdinal => (VtpmManagerOrdinal)Code;

    public readonly TpmResult ReturnCode => (TpmResult)Code;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmHeader value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Tag);
        wire.UInt32(ref value.ParamSize);
        wire.UInt32(ref value.Code);
    }
}
