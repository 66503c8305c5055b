namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_VTPM_NEW</c>, request.</summary>
public struct VtpmNewRequest : IWireStructure<VtpmNewRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>None lets the manager choose.</summary>
    public Guid? Uuid;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmNewRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        Guid[] uuids = value.Uuid is { } given ? [given] : [];
        wire.UuidsToEnd(ref uuids);
        if (uuids.Length > 1) wire.Fault(TpmResult.BadParamSize);
        value.Uuid = uuids.Length == 1 ? uuids[0] : null;
    }
}
