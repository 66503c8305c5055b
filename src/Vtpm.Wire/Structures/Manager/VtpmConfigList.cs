namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_MGR_CFG_LIST</c>, of Xen's vTPM manager: the platforms and kernels that a group allows. These very bytes are what the group's authority
/// signs.
/// </summary>
public struct VtpmConfigList : IWireStructure<VtpmConfigList>
{
    /// <summary>Platforms, and kernels, at most: bounds what a hostile count makes the reader allocate. An image may have room for fewer.</summary>
    public const int Limit = 10_000;

    public ulong Sequence;

    /// <summary>Composite hashes of hardware PCRs.</summary>
    public TpmDigest[] Platforms;
    public TpmDigest[] Kernels;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmConfigList value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt64(ref value.Sequence);
        wire.List32(ref value.Platforms, Limit);
        wire.List32(ref value.Kernels, Limit);
    }
}
