namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_VTPM_LIST</c>, request.</summary>
public struct VtpmListRequest : IWireStructure<VtpmListRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>The first vTPM to name.</summary>
    public uint Offset;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmListRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.UInt32(ref value.Offset);
    }
}
