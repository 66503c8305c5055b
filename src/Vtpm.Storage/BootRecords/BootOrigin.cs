namespace Vtpm.Storage;

/// <summary>How much of a guest's boot a record can tell. The numbers are in files.</summary>
public enum BootOrigin
{
    /// <summary>All of it: the vTPM was there before the guest ran.</summary>
    Whole = 1,

    /// <summary>What came after the vTPM was attached to a guest that ran already. What ran before is nobody's word but the guest's.</summary>
    Attached = 2,

    /// <summary>Nothing: there was a record, and it is lost or damaged.</summary>
    Lost = 3,

    /// <summary>All since the vTPM came; whether the guest ran before, nobody says (the hypervisor tells dom0 alone).</summary>
    Unknown = 4,
}
