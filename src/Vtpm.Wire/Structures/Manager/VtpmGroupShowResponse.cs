namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_SHOW</c>, response.</summary>
public struct VtpmGroupShowResponse : IWireStructure<VtpmGroupShowResponse>
{
    public Guid GroupUuid;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> SaaModulus;
    public VtpmConfigList Config;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupShowResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.GroupUuid);
        wire.Exact(ref value.SaaModulus, 256);
        wire.Structure(ref value.Config);
    }
}
