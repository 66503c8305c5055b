namespace Vtpm.Wire;

/// <summary><c>GROUP_UPDATE_PART</c> (ours), response.</summary>
public struct VtpmGroupUpdatePartResponse : IWireStructure<VtpmGroupUpdatePartResponse>
{
    /// <summary>Bytes so far; the total when the group has its new configuration.</summary>
    public uint Received;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupUpdatePartResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Received);
    }
}
