namespace Vtpm.Wire;

/// <summary><c>TPM_DA_ACTION_TYPE</c>, Part 2 §21.10: what happens while the dictionary attack mitigation is active.</summary>
public struct TpmDaActionType : IWireStructure<TpmDaActionType>
{
    public TpmDaActions Actions;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaActionType value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaActionType);
        wire.Enum(ref value.Actions);
    }
}
