namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_VTPM_LIST</c>, response.</summary>
public struct VtpmListResponse : IWireStructure<VtpmListResponse>
{
    /// <summary>How many vTPMs the group has.</summary>
    public uint Total;

    /// <summary>As many as fit, from the offset on.</summary>
    public Guid[] Uuids;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmListResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Total);
        wire.UuidsToEnd(ref value.Uuids);
    }
}
