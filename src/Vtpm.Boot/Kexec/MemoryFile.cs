using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Boot;

/// <summary>A file in this process's memory alone: what was measured on its way in is what it holds.</summary>
internal static class MemoryFile
{
    private const uint CloseOnExec = 1;

    public static FileStream Create(string name)
    {
        var handle = new SafeFileHandle(LibC.CreateMemoryFile(name, CloseOnExec), ownsHandle: true);
        if (handle.IsInvalid) throw new BootException($"no memory for the guest's {name}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        return new FileStream(handle, FileAccess.ReadWrite);
    }
}
