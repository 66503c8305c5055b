using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>
/// The table of ordinals of Part 2 §17, read and reviewed by hand, for the commands of revision 116 that are not deleted. "Sometimes" in an availability
/// column counts as available: the command decides then. Handles are the parameters at the start that have no number in the HMAC columns of Part 3.
/// Behind it are the commands of the PC Client profile, which says nothing else than that they are always available, and Xen's own, of which Xen says
/// nothing else than that the owner authorizes them.
/// </summary>
public static class OrdinalTable
{
    private const string Rows = """
        ordinal                         sessions without  deactivated disabled audit duration handles
                                                 owner                                        in out
        ActivateIdentity                21       -        -           -        X     M        1 0
        AuthorizeMigrationKey           1        -        -           -        X     S        0 0
        CertifyKey                      210      -        -           -        -     M        2 0
        CertifyKey2                     210      -        -           -        -     M        2 0
        ChangeAuth                      2        -        -           -        -     M        1 0
        ChangeAuthAsymFinish            10       -        -           -        -     M        2 0
        ChangeAuthAsymStart             10       -        -           -        -     L        1 0
        ChangeAuthOwner                 1        -        -           -        X     S        0 0
        CmkApproveMA                    1        -        -           -        -     S        0 0
        CmkConvertMigration             1        -        -           -        -     M        1 0
        CmkCreateBlob                   1        -        -           -        -     M        1 0
        CmkCreateKey                    1        -        -           -        -     L        1 0
        CmkCreateTicket                 1        -        -           -        -     M        0 0
        CmkSetRestrictions              1        -        -           -        -     S        0 0
        ContinueSelfTest                0        x        x           x        -     L        0 0
        ConvertMigrationBlob            10       -        -           -        X     M        1 0
        CreateCounter                   1        -        -           -        -     S        0 0
        CreateEndorsementKeyPair        0        x        -           -        -     L        0 0
        CreateMaintenanceArchive        1        -        -           -        X     S        0 0
        CreateMigrationBlob             21       -        -           -        X     M        1 0
        CreateRevocableEK               0        x        -           -        -     L        0 0
        CreateWrapKey                   1        -        -           -        X     L        1 0
        DaaJoin                         1        -        -           -        -     L        1 0
        DaaSign                         1        -        -           -        -     L        1 0
        DelegateCreateKeyDelegation     1        -        -           -        -     M        1 0
        DelegateCreateOwnerDelegation   1        -        -           -        -     M        0 0
        DelegateLoadOwnerDelegation     10       x        -           -        -     M        0 0
        DelegateManage                  10       x        -           -        -     M        0 0
        DelegateReadTable               0        x        -           -        -     S        0 0
        DelegateUpdateVerification      1        -        -           -        -     S        0 0
        DelegateVerifyDelegation        0        -        -           -        -     M        0 0
        DirRead                         0        -        -           -        -     S        0 0
        DirWriteAuth                    1        -        -           -        -     S        0 0
        DisableForceClear               0        x        -           -        X     S        0 0
        DisableOwnerClear               1        -        -           -        X     S        0 0
        DisablePubekRead                1        -        -           -        X     S        0 0
        Dsap                            0        -        x           x        -     S        0 1
        EstablishTransport              10       -        -           -        -     M        1 1
        EvictKey                        0        -        -           -        -     S        1 0
        ExecuteTransport                1        -        -           -        -     ?        0 0
        Extend                          0        x        x           x        -     S        0 0
        FlushSpecific                   0        x        x           x        -     S        1 0
        ForceClear                      0        x        -           -        X     S        0 0
        GetAuditDigest                  0        x        -           -        N     S        0 0
        GetAuditDigestSigned            10       -        -           -        N     M        1 0
        GetCapability                   0        x        x           x        -     S        0 0
        GetCapabilityOwner              1        -        -           -        -     S        0 0
        GetPubKey                       10       -        -           -        -     S        1 0
        GetRandom                       0        x        -           -        -     S        0 0
        GetTestResult                   0        x        x           x        -     S        0 0
        GetTicks                        0        x        -           -        -     S        0 0
        IncrementCounter                1        -        -           -        -     S        0 0
        KeyControlOwner                 1        -        -           -        -     S        1 0
        KillMaintenanceFeature          1        -        -           -        X     S        0 0
        LoadAuthContext                 0        x        -           -        -     M        0 1
        LoadContext                     0        -        -           -        -     M        1 1
        LoadKey                         10       -        -           -        -     M        1 0
        LoadKey2                        10       -        -           -        -     M        1 1
        LoadKeyContext                  0        x        -           -        -     S        0 1
        LoadMaintenanceArchive          1        -        -           -        X     S        0 0
        LoadManuMaintPub                0        x        -           -        X     S        0 0
        MakeIdentity                    21       -        -           -        X     L        0 0
        MigrateKey                      10       -        -           -        -     M        1 0
        NvDefineSpace                   10       x        x           x        -     S        0 0
        NvReadValue                     10       x        x           x        -     S        0 0
        NvReadValueAuth                 1        -        -           -        -     S        0 0
        NvWriteValue                    10       x        x           x        -     S        0 0
        NvWriteValueAuth                1        -        -           -        -     S        0 0
        Oiap                            0        x        x           x        -     S        0 1
        Osap                            0        -        x           x        -     S        0 1
        OwnerClear                      1        -        -           -        X     S        0 0
        OwnerReadInternalPub            1        -        -           -        -     S        0 0
        OwnerReadPubek                  1        -        -           -        X     S        0 0
        OwnerSetDisable                 1        -        x           x        X     S        0 0
        PcrRead                         0        x        -           -        -     S        0 0
        PcrReset                        0        x        x           x        -     S        0 0
        PhysicalDisable                 0        x        x           -        X     S        0 0
        PhysicalEnable                  0        x        x           x        X     S        0 0
        PhysicalSetDeactivated          0        x        x           -        X     S        0 0
        Quote                           10       -        -           -        -     M        1 0
        Quote2                          10       -        -           -        -     M        1 0
        ReadCounter                     0        x        -           -        -     S        0 0
        ReadManuMaintPub                0        x        -           -        X     S        0 0
        ReadPubek                       0        x        -           -        X     S        0 0
        ReleaseCounter                  1        x        -           -        -     S        0 0
        ReleaseCounterOwner             1        -        -           -        -     S        0 0
        ReleaseTransportSigned          21       -        -           -        -     M        1 0
        Reset                           0        x        x           x        -     S        0 0
        ResetLockValue                  1        -        -           -        -     S        0 0
        RevokeTrust                     0        x        -           -        -     S        0 0
        SaveAuthContext                 0        x        -           -        -     M        1 0
        SaveContext                     0        -        -           -        -     M        1 0
        SaveKeyContext                  0        x        -           -        -     M        1 0
        SaveState                       0        x        x           x        -     M        0 0
        Seal                            1        -        -           -        -     M        1 0
        Sealx                           1        -        -           -        -     M        1 0
        SelfTestFull                    0        x        x           x        -     L        0 0
        SetCapability                   10       x        x           x        -     S        0 0
        SetOperatorAuth                 0        x        -           -        -     S        0 0
        SetOrdinalAuditStatus           1        -        -           -        X     S        0 0
        SetOwnerInstall                 0        x        -           -        X     S        0 0
        SetOwnerPointer                 0        -        -           -        -     S        0 0
        SetRedirection                  10       -        -           -        X     S        1 0
        SetTempDeactivated              10       x        -           x        X     S        0 0
        Sha1Complete                    0        x        x           x        -     S        0 0
        Sha1CompleteExtend              0        x        x           x        -     S        0 0
        Sha1Start                       0        x        x           x        -     S        0 0
        Sha1Update                      0        x        x           x        -     S        0 0
        Sign                            10       -        -           -        -     M        1 0
        Startup                         0        x        x           x        -     S        0 0
        StirRandom                      0        x        -           -        -     S        0 0
        TakeOwnership                   1        x        x           -        X     L        0 0
        TerminateHandle                 0        x        x           x        -     S        1 0
        TickStampBlob                   10       -        -           -        -     M        1 0
        UnBind                          10       -        -           -        -     M        1 0
        Unseal                          21       -        -           -        -     M        1 0
        TscPhysicalPresence             0        x        x           x        -     S        0 0
        TscResetEstablishmentBit        0        x        x           x        -     S        0 0
        DeepQuote                       1        -        -           -        -     M        0 0
        ParentSignEK                    1        -        -           -        -     M        0 0
        """;

    public static IReadOnlyDictionary<TpmOrdinal, OrdinalRow> All { get; } =
        Rows.Split('\n').Skip(2).Select(OrdinalRow.Parse).ToDictionary(row => row.Ordinal);
}

/// <summary>A row of <see cref="OrdinalTable"/>.</summary>
public sealed record OrdinalRow(
    TpmOrdinal Ordinal,
    string Sessions,
    bool NoOwner,
    bool Deactivated,
    bool Disabled,
    string Audit,
    string Duration,
    int InHandles,
    int OutHandles)
{
    public static OrdinalRow Parse(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) switch
    {
        [var ordinal, var sessions, var noOwner, var deactivated, var disabled, var audit, var duration, var inHandles, var outHandles] => new OrdinalRow(
            Enum.Parse<TpmOrdinal>(ordinal),
            sessions,
            noOwner == "x",
            deactivated == "x",
            disabled == "x",
            audit,
            duration,
            int.Parse(inHandles, null),
            int.Parse(outHandles, null)),
        _ => throw new FormatException($"not a row: {line}"),
    };

    public bool Allows(int sessions) => Sessions.Contains((char)('0' + sessions), StringComparison.Ordinal);
}
