namespace Vtpm.Wire;

/// <summary><c>MANAGER_ESCROW</c> (ours), response.</summary>
public struct VtpmManagerEscrowResponse : IWireStructure<VtpmManagerEscrowResponse>
{
    /// <summary>256 bytes, encrypted to group 0's authority.</summary>
    public ReadOnlyMemory<byte> Escrow;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmManagerEscrowResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Exact(ref value.Escrow, 256);
}
