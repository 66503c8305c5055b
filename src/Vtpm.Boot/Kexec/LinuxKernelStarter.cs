using System.Runtime.InteropServices;

namespace Vtpm.Boot;

/// <summary>kexec: Linux copies the other kernel into its memory when it is loaded, and runs that copy.</summary>
public sealed class LinuxKernelStarter : IKernelStarter
{
    public void Load(FileStream kernel, FileStream initrd, ReadOnlySpan<byte> commandLine)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(initrd);
        byte[] line = [.. commandLine, 0];
        bool hasInitrd = initrd.Length > 0;
        if (LibC.LoadKernel(LibC.LoadKernelCall, kernel.SafeFileHandle, initrd.SafeFileHandle, (nuint)line.Length, line, hasInitrd ? 0 : LibC.WithoutInitrd) != 0)
            throw Failed("the guest's kernel cannot be loaded (kexec takes a bzImage, and needs memory for it and its initrd)");
    }

    public void Start()
    {
        _ = LibC.Reboot(LibC.StartLoadedKernel);
        throw Failed("the guest's kernel does not start");
    }

    private static BootException Failed(string what) => new($"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
