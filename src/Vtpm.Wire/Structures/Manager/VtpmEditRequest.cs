namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_VTPM_EDIT</c>, request (no layout was ever defined by the original; this one is ours).</summary>
public struct VtpmEditRequest : IWireStructure<VtpmEditRequest>
{
    public Guid Uuid;

    /// <summary>Which rights to change.</summary>
    public VtpmRights Mask;

    /// <summary>What they are to be.</summary>
    public VtpmRights Rights;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmEditRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.Uuid);
        wire.Enum(ref value.Mask);
        wire.Enum(ref value.Rights);
    }
}
