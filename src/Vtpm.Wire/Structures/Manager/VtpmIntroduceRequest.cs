namespace Vtpm.Wire;

/// <summary><c>INTRODUCE</c> (ours), request: the vTPM that the connection is for from now on.</summary>
public struct VtpmIntroduceRequest : IWireStructure<VtpmIntroduceRequest>
{
    public Guid Uuid;

    /// <summary>The XSM label of the domain that the vTPM belongs to; empty where there is none.</summary>
    public ReadOnlyMemory<byte> Label;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmIntroduceRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.Uuid);
        wire.Sized32(ref value.Label);
    }
}
