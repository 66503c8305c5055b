namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_NEW</c>, response.</summary>
public struct VtpmGroupNewResponse : IWireStructure<VtpmGroupNewResponse>
{
    public Guid GroupUuid;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> AikModulus;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> IdentityBinding;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupNewResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.GroupUuid);
        wire.Exact(ref value.AikModulus, 256);
        wire.Exact(ref value.IdentityBinding, 256);
    }
}
