namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_LIST</c>, response: the number of groups.</summary>
public struct VtpmGroupListResponse : IWireStructure<VtpmGroupListResponse>
{
    public uint Count;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupListResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.Count);
}
