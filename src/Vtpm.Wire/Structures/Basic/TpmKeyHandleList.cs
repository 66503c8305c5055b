namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_KEY_HANDLE_LIST</c>, Part 2 §5.7: handles of loaded resources (for TPM_RT_CONTEXT: context counts), after a count of UINT16.
/// </summary>
public struct TpmKeyHandleList : IWireStructure<TpmKeyHandleList>
{
    public uint[] Handle;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmKeyHandleList value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32List16(ref value.Handle);
}
