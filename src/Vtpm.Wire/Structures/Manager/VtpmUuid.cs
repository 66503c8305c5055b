namespace Vtpm.Wire;

/// <summary>The response of VTPM_ORD_VTPM_NEW and the request of VTPM_ORD_VTPM_DEL.</summary>
public struct VtpmUuid : IWireStructure<VtpmUuid>
{
    public Guid Uuid;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmUuid value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Uuid(ref value.Uuid);
}
