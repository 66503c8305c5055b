namespace Vtpm.Wire;

/// <summary><c>TPM_STCLEAR_FLAGS</c>, Part 2 §7.2: flags that TPM_Startup(ST_CLEAR) resets, as TPM_CAP_FLAG_VOLATILE answers them.</summary>
public record struct TpmStClearFlags : IWireStructure<TpmStClearFlags>
{
    public bool Deactivated;
    public bool DisableForceClear;
    public bool PhysicalPresence;
    public bool PhysicalPresenceLock;
    public bool BGlobalLock;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmStClearFlags value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.StClearFlags);
        wire.Bool(ref value.Deactivated);
        wire.Bool(ref value.DisableForceClear);
        wire.Bool(ref value.PhysicalPresence);
        wire.Bool(ref value.PhysicalPresenceLock);
        wire.Bool(ref value.BGlobalLock);
    }
}
