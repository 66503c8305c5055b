namespace Vtpm.Tis;

/// <summary>Where a TPM's registers are, and how it is to be driven.</summary>
public sealed record TisOptions
{
    /// <summary>Where a PC has its TPM.</summary>
    public const long DefaultAddress = 0xFED4_0000;

    /// <summary>What one locality has of the address space; five of them follow each other.</summary>
    public const int PageSize = 0x1000;

    public const int HighestLocality = 4;

    /// <summary>The address of locality 0's page (tpmiomem=).</summary>
    public long Address { get; init; } = DefaultAddress;

    /// <summary>The locality whose page is used (tpmlocality=).</summary>
    public int Locality { get; init; }

    /// <summary>Whether the TPM speaks TPM 2.0: it is asked for no time-outs then, and given longer ones.</summary>
    public bool IsTpm2 { get; init; }

    /// <summary>How long a command of another locality may keep us from the TPM: nothing tells how long it takes.</summary>
    public TimeSpan LocalityPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The file that has the registers at their address.</summary>
    public string MemoryPath { get; init; } = "/dev/mem";

    /// <summary>Where the kernel lists the TPMs that its own drivers have.</summary>
    public string KernelDevices { get; init; } = Transports.KernelTpm.DefaultFolder;

    /// <summary>The clock that all waiting goes by.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
