namespace Vtpm.Wire;

/// <summary>
/// <c>GROUP_INFO</c> (ours), response: a group, open or closed, with as many of its platforms and kernels as fit, from the offsets on.
/// </summary>
public struct VtpmGroupInfoResponse : IWireStructure<VtpmGroupInfoResponse>
{
    public Guid GroupUuid;
    public VtpmGroupStates State;

    /// <summary>256 bytes: zeroes without an authority.</summary>
    public ReadOnlyMemory<byte> SaaModulus;

    /// <summary>256 bytes: zeroes without an identity key.</summary>
    public ReadOnlyMemory<byte> AikModulus;

    /// <summary>Counts the saves that changed the group.</summary>
    public ulong GroupSequence;

    /// <summary>The number that the authority gave the configuration.</summary>
    public ulong ConfigurationSequence;
    public uint Vtpms;

    /// <summary>How many platforms the group has.</summary>
    public uint PlatformCount;

    /// <summary>How many kernels the group has.</summary>
    public uint KernelCount;
    public VtpmPlatform[] Platforms;
    public TpmDigest[] Kernels;

    /// <summary>The configuration as the original shows it: without the platforms' PCRs.</summary>
    public readonly VtpmConfigList ToConfigList() => new()
    {
        Sequence = ConfigurationSequence,
        Platforms = [.. (Platforms ?? []).Select(platform => platform.Composite)],
        Kernels = Kernels ?? [],
    };

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupInfoResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.GroupUuid);
        wire.Enum(ref value.State);
        wire.Exact(ref value.SaaModulus, 256);
        wire.Exact(ref value.AikModulus, 256);
        wire.UInt64(ref value.GroupSequence);
        wire.UInt64(ref value.ConfigurationSequence);
        wire.UInt32(ref value.Vtpms);
        wire.UInt32(ref value.PlatformCount);
        wire.UInt32(ref value.KernelCount);
        wire.List32(ref value.Platforms, VtpmConfigList.Limit);
        wire.List32(ref value.Kernels, VtpmConfigList.Limit);
    }
}
