namespace Vtpm.Wire;

/// <summary>
/// <c>GROUP_UPDATE_PART</c> (ours), request: a part of a signed configuration that one message cannot hold; the last part acts as GROUP_UPDATE.
/// </summary>
public struct VtpmGroupUpdatePartRequest : IWireStructure<VtpmGroupUpdatePartRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>Bytes of the whole.</summary>
    public uint Total;

    /// <summary>Where this part belongs: 0 begins anew, and each goes on where the last one ended.</summary>
    public uint Offset;

    /// <summary>To the end of the message, and at least one byte.</summary>
    public ReadOnlyMemory<byte> Part;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupUpdatePartRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.UInt32(ref value.Total);
        wire.UInt32(ref value.Offset);
        wire.Rest(ref value.Part);
    }
}
