namespace Vtpm.Wire;

/// <summary><c>TPM_AUDIT_EVENT_OUT</c>, Part 2 §14.2: what the audit digest takes in after a command ran.</summary>
public struct TpmAuditEventOut : IWireStructure<TpmAuditEventOut>
{
    public TpmDigest OutputParms;
    public TpmCounterValue AuditCount;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmAuditEventOut value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.AuditEventOut);
        wire.Structure(ref value.OutputParms);
        wire.Structure(ref value.AuditCount);
    }
}
