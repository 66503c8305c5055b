namespace Vtpm.Wire;

/// <summary><c>GROUP_INFO</c> (ours), request.</summary>
public struct VtpmGroupInfoRequest : IWireStructure<VtpmGroupInfoRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>The first platform to name.</summary>
    public uint PlatformOffset;

    /// <summary>The first kernel to name.</summary>
    public uint KernelOffset;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupInfoRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.UInt32(ref value.PlatformOffset);
        wire.UInt32(ref value.KernelOffset);
    }
}
