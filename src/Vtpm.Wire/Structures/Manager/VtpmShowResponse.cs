namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_VTPM_SHOW</c>, response (no layout was ever defined by the original; this one is ours).</summary>
public struct VtpmShowResponse : IWireStructure<VtpmShowResponse>
{
    /// <summary>The index of its group.</summary>
    public uint Group;
    public Guid GroupUuid;
    public VtpmRights Rights;
    public VtpmStates State;

    /// <summary>What GET_BOOT_HASH answers; zeroes when the vTPM has not come since the manager was started, as the next two.</summary>
    public TpmDigest KernelHash;

    /// <summary>SHA-1 of its label.</summary>
    public TpmDigest LabelHash;

    /// <summary>SHA-1 of the executable that the peer was running when it came; zeroes when that is not measured.</summary>
    public TpmDigest ExecutableHash;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmShowResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Uuid(ref value.GroupUuid);
        wire.Enum(ref value.Rights);
        wire.Enum(ref value.State);
        wire.Structure(ref value.KernelHash);
        wire.Structure(ref value.LabelHash);
        wire.Structure(ref value.ExecutableHash);
    }
}
