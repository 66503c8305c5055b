namespace Vtpm.Wire;

/// <summary><c>MANAGER_INFO</c> (ours), response: the manager, and what it can keep.</summary>
public struct VtpmManagerInfoResponse : IWireStructure<VtpmManagerInfoResponse>
{
    /// <summary>Made with the image.</summary>
    public Guid ManagerUuid;
    public VtpmManagerStates State;
    public uint Groups;
    public uint Vtpms;

    /// <summary>Counts the saves.</summary>
    public ulong ImageSequence;

    /// <summary>The hardware counter that the image belongs to.</summary>
    public uint CounterValue;

    /// <summary>Platforms that a group of this image can have.</summary>
    public uint MaxPlatforms;

    /// <summary>Kernels that a group of this image can have.</summary>
    public uint MaxKernels;

    /// <summary>Bytes of a signed configuration that GROUP_UPDATE_PART takes.</summary>
    public uint LongestConfiguration;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmManagerInfoResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.ManagerUuid);
        wire.Enum(ref value.State);
        wire.UInt32(ref value.Groups);
        wire.UInt32(ref value.Vtpms);
        wire.UInt64(ref value.ImageSequence);
        wire.UInt32(ref value.CounterValue);
        wire.UInt32(ref value.MaxPlatforms);
        wire.UInt32(ref value.MaxKernels);
        wire.UInt32(ref value.LongestConfiguration);
    }
}
