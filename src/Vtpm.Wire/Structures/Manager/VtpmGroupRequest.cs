namespace Vtpm.Wire;

/// <summary>The request of VTPM_ORD_GROUP_DEL and of VTPM_ORD_GROUP_SHOW.</summary>
public struct VtpmGroupRequest : IWireStructure<VtpmGroupRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.Group);
}
